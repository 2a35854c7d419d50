//! Twin of `shaders/matrices/matrix_norms.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::norm_sq;
use crate::kernels::MatrixNorms;
use crate::state::MatrixLayout;

pub(crate) fn run(_: &MatrixNorms, arrays: &mut [Array; 3]) {
    let [matrices, elements, norms] = arrays;
    let elements = elements.read::<f32>();
    let matrices = matrices.read::<MatrixLayout>();
    for (norm, matrix) in norms.write::<f32>().iter_mut().zip(matrices) {
        *norm = norm_sq(&elements[matrix.elements()], 1.0).sqrt();
    }
}
