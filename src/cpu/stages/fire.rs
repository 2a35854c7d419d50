//! Twin of `shaders/stages/fire.wgsl`.

use crate::cpu::Array;
use crate::kernels::Fire;
use crate::state::{MatrixLayout, ReplicaState};

pub(crate) fn run(_: &Fire, arrays: &mut [Array; 6]) {
    let [states, iterations, matrices, norms, elements, parameters] = arrays;
    let is_used = iterations.read::<f32>()[0] != 0.0;
    if !is_used || !states.read::<ReplicaState>()[0].begins_task() {
        return;
    }
    let (elements, parameters) = (elements.read::<f32>(), parameters.write::<f32>());
    let matrices = matrices.read::<MatrixLayout>().iter();
    for (matrix, norm) in matrices.zip(norms.read::<f32>()) {
        if !norm.is_finite() {
            continue;
        }
        let scale = (matrix.outputs as f32 / matrix.inputs as f32).sqrt();
        let own = parameters[matrix.elements()].iter_mut();
        for (theta, element) in own.zip(&elements[matrix.elements()]) {
            *theta = scale * element;
        }
    }
}
