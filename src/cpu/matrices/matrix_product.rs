//! Twin of `shaders/matrices/matrix_product.wgsl`.

use crate::cpu::Array;
use crate::cpu::matrix::{product, view, view_mut};
use crate::kernels::MatrixProduct;
use crate::state::MatrixLayout;

pub(crate) fn run(params: &MatrixProduct, arrays: &mut [Array; 5]) {
    let [iterations, matrices, elements, grams, results] = arrays;
    let iterations = iterations.read::<f32>()[0];
    if iterations == 0.0 {
        return;
    }
    let (elements, grams) = (elements.read::<f32>(), grams.read::<f32>());
    let results = results.write::<f32>();
    for matrix in matrices.read::<MatrixLayout>() {
        let (rows, columns) = (matrix.rows as usize, matrix.columns as usize);
        let elements = &elements[matrix.elements()];
        let results = &mut results[matrix.elements()];
        if params.iteration as f32 >= iterations {
            results.copy_from_slice(elements);
            continue;
        }
        let x = view(elements, rows, columns, columns);
        let side = matrix.side() as usize;
        let gram = view(&grams[matrix.gram()], side, side, side);
        let out = view_mut(results, rows, columns, columns);
        if matrix.by_rows == 1 {
            product(out, gram, x);
        } else {
            product(out, x, gram);
        }
        for (result, x) in results.iter_mut().zip(elements) {
            *result = params.linear * x + params.quadratic * *result;
        }
    }
}
