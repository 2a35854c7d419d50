//! Twin of `shaders/stages/norm_projection.wgsl`.

use crate::cpu::Array;
use crate::kernels::NormProjection;
use crate::state::{MatrixLayout, RUNNING, ReplicaState};

pub(crate) fn run(_: &NormProjection, arrays: &mut [Array; 6]) {
    let [
        states,
        norm_projection,
        matrices,
        initial_norms,
        norms,
        parameters,
    ] = arrays;
    let is_used = norm_projection.read::<f32>()[0] != 0.0;
    if !is_used || states.read::<ReplicaState>()[0].halted != RUNNING {
        return;
    }
    let parameters = parameters.write::<f32>();
    let norms = initial_norms.read::<f32>().iter().zip(norms.read::<f32>());
    for (matrix, (initial, norm)) in matrices.read::<MatrixLayout>().iter().zip(norms) {
        if *norm == 0.0 || !norm.is_finite() {
            continue;
        }
        let factor = initial / norm;
        for theta in &mut parameters[matrix.elements()] {
            *theta *= factor;
        }
    }
}
