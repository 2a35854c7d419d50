//! Twin of `shaders/matrices/matrix_gram.wgsl`.

use crate::cpu::Array;
use crate::cpu::matrix::{product, view, view_mut};
use crate::kernels::MatrixGram;
use crate::state::MatrixLayout;

pub(crate) fn run(params: &MatrixGram, arrays: &mut [Array; 4]) {
    let [iterations, matrices, elements, grams] = arrays;
    if params.iteration as f32 >= iterations.read::<f32>()[0] {
        return;
    }
    let (elements, grams) = (elements.read::<f32>(), grams.write::<f32>());
    for matrix in matrices.read::<MatrixLayout>() {
        let (rows, columns) = (matrix.rows as usize, matrix.columns as usize);
        let x = view(&elements[matrix.elements()], rows, columns, columns);
        let side = matrix.side() as usize;
        let gram = view_mut(&mut grams[matrix.gram()], side, side, side);
        if matrix.by_rows == 1 {
            product(gram, x, x.transpose());
        } else {
            product(gram, x.transpose(), x);
        }
    }
}
