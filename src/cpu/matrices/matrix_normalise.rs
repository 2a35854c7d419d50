//! Twin of `shaders/matrices/matrix_normalise.wgsl`.

use crate::cpu::Array;
use crate::kernels::MatrixNormalise;
use crate::state::MatrixLayout;

pub(crate) fn run(_: &MatrixNormalise, arrays: &mut [Array; 5]) {
    let [iterations, matrices, norms, elements, results] = arrays;
    if iterations.read::<f32>()[0] == 0.0 {
        return;
    }
    let (elements, results) = (elements.read::<f32>(), results.write::<f32>());
    let matrices = matrices.read::<MatrixLayout>().iter();
    for (matrix, norm) in matrices.zip(norms.read::<f32>()) {
        let divisor = norm + 1e-7;
        let own = results[matrix.elements()].iter_mut();
        for (result, element) in own.zip(&elements[matrix.elements()]) {
            *result = element / divisor;
        }
    }
}
