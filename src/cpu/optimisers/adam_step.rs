//! Twin of `shaders/optimisers/adam_step.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::optimisers::{ELEMENTS_PER_TASK, FIRST_MOMENT_FLOOR, SECOND_MOMENT_FLOOR, flush};
use crate::kernels::AdamStep;
use crate::state::{
    HALTED_UPDATE, LayerControl, OPTIMISER_ADAM, RUNNING, ReplicaConfig, ReplicaState,
};

pub(crate) fn run(_: &AdamStep, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        controls,
        gradients,
        parameters,
        first,
        second,
        divergence,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = states.read::<ReplicaState>()[0];
    if config.optimiser != OPTIMISER_ADAM || state.halted != RUNNING {
        return;
    }
    let mut rest = (
        gradients.read::<f32>(),
        parameters.write::<f32>(),
        first.write::<f32>(),
        second.write::<f32>(),
    );
    let arch = pulp::Arch::new();
    let mut start = 0;
    for control in controls.read::<LayerControl>() {
        let length = control.end as usize * 4 - start;
        start += length;
        let (gradients, gradients_rest) = rest.0.split_at(length);
        let (parameters, parameters_rest) = rest.1.split_at_mut(length);
        let (first, first_rest) = rest.2.split_at_mut(length);
        let (second, second_rest) = rest.3.split_at_mut(length);
        rest = (gradients_rest, parameters_rest, first_rest, second_rest);
        let all_finite = gradients
            .par_chunks(ELEMENTS_PER_TASK)
            .zip(parameters.par_chunks_mut(ELEMENTS_PER_TASK))
            .zip(first.par_chunks_mut(ELEMENTS_PER_TASK))
            .zip(second.par_chunks_mut(ELEMENTS_PER_TASK))
            .map(|(((g, theta), m), v)| {
                arch.dispatch(|| update(&config, &state, control.step_size, g, theta, m, v))
            })
            .reduce(|| true, |a, b| a && b);
        if !all_finite {
            divergence.write::<u32>()[0] |= HALTED_UPDATE;
        }
    }
}

/// Updates a stretch of one layer; returns whether all of it stayed finite. Inlined into a caller that
/// [`pulp`] compiles for the widest vectors that this processor has.
#[inline(always)]
fn update(
    config: &ReplicaConfig,
    state: &ReplicaState,
    step_size: f32,
    gradients: &[f32],
    parameters: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) -> bool {
    let rate = step_size / state.correction1;
    // Bits of absolute values sort as integers, infinity and NaN last; their maximum vectorises.
    let mut largest = 0;
    for (((g, theta), m), v) in gradients.iter().zip(parameters).zip(first).zip(second) {
        let g = g + config.l2 * *theta;
        *m = flush(
            config.beta1 * *m + config.one_minus_beta1 * g,
            FIRST_MOMENT_FLOOR,
        );
        *v = flush(
            config.beta2 * *v + config.one_minus_beta2 * g * g,
            SECOND_MOMENT_FLOOR,
        );
        *theta -= rate * *m / ((*v / state.correction2).sqrt() + config.epsilon);
        largest = largest.max(v.abs().to_bits()).max(theta.abs().to_bits());
    }
    largest < f32::INFINITY.to_bits()
}
