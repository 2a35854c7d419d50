//! Twin of `shaders/probe/layer_sums.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::reduce::{stretch, sum_in_lanes};
use crate::kernels::LayerSumsParams;
use crate::state::{LayerControl, LayerSums, OPTIMISER_SGD, PARTIALS, ReplicaConfig, ReplicaState};

pub(crate) fn run(params: &LayerSumsParams, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        controls,
        gradients,
        parameters,
        first,
        second,
        sums,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = states.read::<ReplicaState>()[0];
    let moments = Moments {
        gradients: gradients.read(),
        parameters: parameters.read(),
        first: first.read(),
        second: second.read(),
    };
    let (correction1, correction2) = config.latest_corrections(&state);
    for (control, sums) in controls
        .read::<LayerControl>()
        .iter()
        .zip(sums.write::<LayerSums>().chunks_mut(PARTIALS as usize))
    {
        let rate = match (state.optimiser_updates, config.optimiser) {
            (0, _) => 0.0,
            (_, OPTIMISER_SGD) => control.step_size,
            _ => control.step_size / correction1,
        };
        let length = (control.end - control.start) as usize;
        sums.par_iter_mut().enumerate().for_each(|(index, sums)| {
            let vec4s = stretch(length, PARTIALS as usize, index);
            let start = control.start as usize;
            let range = (start + vec4s.start) * 4..(start + vec4s.end) * 4;
            let bias = control.bias as usize * 4;
            let correction2 = if state.optimiser_updates > 0 {
                correction2
            } else {
                1.0
            };
            let found = partial(&moments, &config, rate, correction2, range, bias);
            if params.objective_only == 1 {
                sums.objective = found.objective;
            } else {
                *sums = found;
            }
        });
    }
}

/// The buffers that are summed; each holds all layers.
struct Moments<'a> {
    gradients: &'a [f32],
    parameters: &'a [f32],
    first: &'a [f32],
    second: &'a [f32],
}

fn partial(
    moments: &Moments<'_>,
    config: &ReplicaConfig,
    rate: f32,
    correction2: f32,
    range: Range<usize>,
    bias: usize,
) -> LayerSums {
    let slices = [
        &moments.gradients[range.clone()],
        &moments.parameters[range.clone()],
        &moments.first[range.clone()],
        &moments.second[range.clone()],
    ];
    let terms = |g: f32, theta: f32, update: f32| {
        let objective = g + config.l2 * theta;
        [g * g, objective * objective, theta * theta, update * update]
    };
    // The branch stands outside the sum, which would not vectorise with it.
    let [gradient, objective, weight, update] = if config.optimiser == OPTIMISER_SGD {
        sum_in_lanes(slices, |[g, theta, m, _]| terms(g, theta, rate * m))
    } else {
        sum_in_lanes(slices, |[g, theta, m, v]| {
            let rms = (v / correction2).sqrt();
            terms(g, theta, rate * m / (rms + config.epsilon))
        })
    };
    let bias = bias.clamp(range.start, range.end);
    let sum_of_second = |range| sum_in_lanes([&moments.second[range]], |[v]| [v])[0];
    LayerSums {
        gradient,
        objective,
        weight,
        update,
        second_moment: sum_of_second(range.start..bias),
        bias_second_moment: sum_of_second(bias..range.end),
        ..bytemuck::Zeroable::zeroed()
    }
}
