//! Twin of `shaders/matrices/matrix_polynomial.wgsl`.

use crate::cpu::Array;
use crate::cpu::matrix::{product, view, view_mut};
use crate::kernels::MatrixPolynomial;
use crate::state::MatrixLayout;

pub(crate) fn run(params: &MatrixPolynomial, arrays: &mut [Array; 4]) {
    let [iterations, matrices, grams, polynomials] = arrays;
    if iterations.read::<f32>()[0] == 0.0 {
        return;
    }
    let (grams, polynomials) = (grams.read::<f32>(), polynomials.write::<f32>());
    for matrix in matrices.read::<MatrixLayout>() {
        let side = matrix.side() as usize;
        let gram = &grams[matrix.gram()];
        let own = &mut polynomials[matrix.gram()];
        let square = view(gram, side, side, side);
        product(view_mut(own, side, side, side), square, square);
        for (p, g) in own.iter_mut().zip(gram) {
            *p = params.linear * g + params.quadratic * *p;
        }
    }
}
