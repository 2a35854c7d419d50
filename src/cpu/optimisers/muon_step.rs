//! Twin of `shaders/optimisers/muon_step.wgsl`.

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, step_size};
use crate::kernels::MuonStep;
use crate::spec::optimiser::OPTIMISER_MUON;
use crate::state::{
    HALTED_UPDATE, LayerControl, MatrixLayout, RUNNING, ReplicaConfig, ReplicaState, StepSum,
};

pub(crate) fn run(_: &MuonStep, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        controls,
        matrices,
        directions,
        parameters,
        second_moment,
        step_sums,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let is_running = states.read::<ReplicaState>()[0].halted == RUNNING;
    if config.optimiser != OPTIMISER_MUON || !is_running {
        return;
    }
    let squares = Squares(step_sums.read());
    let scale = squares.gradient_scale(&config);
    let controls = controls.read::<LayerControl>();
    let directions = directions.read::<f32>();
    let (parameters, second_moment) = (parameters.write::<f32>(), second_moment.write::<f32>());
    let mut is_finite = true;
    for matrix in matrices.read::<MatrixLayout>() {
        let layer = matrix.block as usize;
        let size = step_size(&config, squares, scale, (layer, &controls[layer]));
        let shape = (matrix.outputs as f32 / matrix.inputs as f32)
            .max(1.0)
            .sqrt();
        for i in matrix.elements() {
            second_moment[i] = shape * directions[i];
            parameters[i] -= size * second_moment[i];
            is_finite &= parameters[i].is_finite();
        }
    }
    if !is_finite {
        step_sums.write::<StepSum>()[0].divergence |= HALTED_UPDATE;
    }
}
