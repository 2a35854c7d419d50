//! Twin of `shaders/optimisers/isometry_step.wgsl`.

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, step_size};
use crate::kernels::IsometryStep;
use crate::state::{
    HALTED_UPDATE, LayerControl, MatrixLayout, RUNNING, ReplicaConfig, ReplicaState, StepSum,
};

pub(crate) fn run(_: &IsometryStep, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        controls,
        matrices,
        gradients,
        parameters,
        step_sums,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    if config.isometry == 0.0 || states.read::<ReplicaState>()[0].halted != RUNNING {
        return;
    }
    let squares = Squares(step_sums.read());
    let scale = squares.gradient_scale(&config);
    let controls = controls.read::<LayerControl>();
    let (gradients, parameters) = (gradients.read::<f32>(), parameters.write::<f32>());
    let mut is_finite = true;
    for matrix in matrices.read::<MatrixLayout>() {
        let layer = matrix.block as usize;
        let size = step_size(&config, squares, scale, (layer, &controls[layer]));
        let rate = size * config.isometry;
        let own = parameters[matrix.elements()].iter_mut();
        for (theta, gradient) in own.zip(&gradients[matrix.elements()]) {
            *theta -= rate * gradient;
            is_finite &= theta.is_finite();
        }
    }
    if !is_finite {
        step_sums.write::<StepSum>()[0].divergence |= HALTED_UPDATE;
    }
}
