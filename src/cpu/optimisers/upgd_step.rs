//! Twin of `shaders/optimisers/upgd_step.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, step_size};
use crate::cpu::divisor::ELEMENTS_PER_TASK;
use crate::cpu::optimiser::{Decayed, Rule, Setting, Upgd};
use crate::kernels::UpgdStep;
use crate::spec::optimiser::OPTIMISER_UPGD;
use crate::state::{
    HALTED_UPDATE, LayerControl, RUNNING, ReplicaConfig, ReplicaState, StepSum, TensorLayout,
};

/// The exponential of it is finite.
const LARGEST_EXPONENT: f32 = 80.0;

pub(crate) fn run(_: &UpgdStep, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        controls,
        tensors,
        parameters,
        first_moment,
        second_moment,
        step_sums,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = states.read::<ReplicaState>()[0];
    if config.optimiser != OPTIMISER_UPGD || state.halted != RUNNING {
        return;
    }
    let squares = Squares(step_sums.read());
    let utility = f32::from_bits(step_sums.read::<StepSum>()[0].utility);
    let scale = squares.gradient_scale(&config);
    let controls = controls.read::<LayerControl>();
    let (parameters, first) = (parameters.write::<f32>(), first_moment.write::<f32>());
    let utilities = second_moment.read::<f32>();
    let mut is_finite = true;
    for tensor in tensors.read::<TensorLayout>() {
        let layer = tensor.block as usize;
        let setting = Setting {
            config: &config,
            corrections: (state.correction1, state.correction2),
            step_size: step_size(&config, squares, scale, (layer, &controls[layer])),
        };
        let rule = Decayed::new(Upgd::from(setting), setting);
        let elements = tensor.elements();
        let tasks = parameters[elements.clone()]
            .par_chunks_mut(ELEMENTS_PER_TASK)
            .zip(first[elements.clone()].par_chunks_mut(ELEMENTS_PER_TASK))
            .zip(utilities[elements].par_chunks(ELEMENTS_PER_TASK));
        is_finite &= tasks
            .map(|((theta, m), u)| {
                let mut is_finite = true;
                for ((theta, m), u) in theta.iter_mut().zip(m).zip(u) {
                    *m *= free_share(*u, state.correction2, utility);
                    *theta = rule.stepped(*theta, *m, *u);
                    is_finite &= theta.is_finite();
                }
                is_finite
            })
            .reduce(|| true, |a, b| a && b);
    }
    if !is_finite {
        step_sums.write::<StepSum>()[0].divergence |= HALTED_UPDATE;
    }
}

/// 1 - sigmoid(u / (correction utility))
fn free_share(u: f32, correction: f32, utility: f32) -> f32 {
    if utility == 0.0 {
        return 0.5;
    }
    let exponent = u / correction / utility;
    1.0 / (1.0 + exponent.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT).exp())
}
