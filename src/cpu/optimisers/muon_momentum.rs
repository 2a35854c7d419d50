//! Twin of `shaders/optimisers/muon_momentum.wgsl`.

use crate::cpu::Array;
use crate::cpu::clipping::Squares;
use crate::cpu::optimiser::{FIRST_MOMENT_FLOOR, flush};
use crate::kernels::MuonMomentum;
use crate::spec::optimiser::OPTIMISER_MUON;
use crate::state::{HALTED_UPDATE, MatrixLayout, RUNNING, ReplicaConfig, ReplicaState, StepSum};

pub(crate) fn run(_: &MuonMomentum, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        matrices,
        gradients,
        parameters,
        first_moment,
        step_sums,
        directions,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let is_running = states.read::<ReplicaState>()[0].halted == RUNNING;
    if config.optimiser != OPTIMISER_MUON || !is_running {
        return;
    }
    let scale = Squares(step_sums.read()).gradient_scale(&config);
    let (gradients, parameters) = (gradients.read::<f32>(), parameters.read::<f32>());
    let (first_moment, directions) = (first_moment.write::<f32>(), directions.write::<f32>());
    let mut is_finite = true;
    for matrix in matrices.read::<MatrixLayout>() {
        for i in matrix.elements() {
            let g = scale * (gradients[i] + config.l2 * parameters[i]);
            let g = config.one_minus_momentum * g;
            let m = flush(config.momentum * first_moment[i] + g, FIRST_MOMENT_FLOOR);
            first_moment[i] = m;
            directions[i] = config.momentum * m + g;
            is_finite &= m.is_finite();
        }
    }
    if !is_finite {
        step_sums.write::<StepSum>()[0].divergence |= HALTED_UPDATE;
    }
}
