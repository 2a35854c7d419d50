//! Twin of `shaders/optimisers/sgd_step.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::optimisers::{ELEMENTS_PER_TASK, FIRST_MOMENT_FLOOR, flush};
use crate::kernels::SgdStep;
use crate::state::{
    HALTED_UPDATE, LayerControl, OPTIMISER_SGD, RUNNING, ReplicaConfig, ReplicaState,
};

pub(crate) fn run(_: &SgdStep, arrays: &mut [Array; 7]) {
    let [
        configs,
        states,
        controls,
        gradients,
        parameters,
        first,
        divergence,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = states.read::<ReplicaState>()[0];
    if config.optimiser != OPTIMISER_SGD || state.halted != RUNNING {
        return;
    }
    let gradients = gradients.read::<f32>();
    let parameters = parameters.write::<f32>();
    let first = first.write::<f32>();
    let arch = pulp::Arch::new();
    for control in controls.read::<LayerControl>() {
        let layer = control.start as usize * 4..control.end as usize * 4;
        let all_finite = gradients[layer.clone()]
            .par_chunks(ELEMENTS_PER_TASK)
            .zip(parameters[layer.clone()].par_chunks_mut(ELEMENTS_PER_TASK))
            .zip(first[layer].par_chunks_mut(ELEMENTS_PER_TASK))
            .map(|((g, theta), m)| {
                arch.dispatch(|| update(&config, control.step_size, g, theta, m))
            })
            .reduce(|| true, |a, b| a && b);
        if !all_finite {
            divergence.write::<u32>()[0] |= HALTED_UPDATE;
        }
    }
}

/// Updates a stretch of one layer; returns whether all of it stayed finite. Inlined for [`pulp`].
#[inline(always)]
fn update(
    config: &ReplicaConfig,
    step_size: f32,
    gradients: &[f32],
    parameters: &mut [f32],
    first: &mut [f32],
) -> bool {
    // Bits of absolute values sort as integers, infinity and NaN last; their maximum vectorises.
    let mut largest = 0;
    for ((g, theta), m) in gradients.iter().zip(parameters).zip(first) {
        let g = g + config.l2 * *theta;
        *m = flush(config.beta1 * *m + g, FIRST_MOMENT_FLOOR);
        *theta -= step_size * *m;
        largest = largest.max(m.abs().to_bits()).max(theta.abs().to_bits());
    }
    largest < f32::INFINITY.to_bits()
}
