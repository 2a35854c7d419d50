//! Twin of `shaders/probe/layer_sums.wgsl`.

use std::ops::Range;

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::muon::{MuonMatrix, MuonOther};
use crate::cpu::optimiser::{Rule, Setting, with_rule};
use crate::cpu::reduce::{stretch, sum_in_lanes};
use crate::kernels::LayerSumsParams;
use crate::spec::optimiser::OPTIMISER_MUON;
use crate::state::{LayerControl, LayerSums, PARTIALS, ReplicaConfig, ReplicaState};

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
    for (control, sums) in controls
        .read::<LayerControl>()
        .iter()
        .zip(sums.write::<LayerSums>().chunks_mut(PARTIALS as usize))
    {
        let setting = latest(&config, &state, control);
        let length = (control.end - control.start) as usize;
        sums.par_iter_mut().enumerate().for_each(|(index, sums)| {
            let vec4s = stretch(length, PARTIALS as usize, index);
            let start = control.start as usize;
            let range = (start + vec4s.start) * 4..(start + vec4s.end) * 4;
            let main_end = control.main_end as usize * 4;
            let found = if config.optimiser == OPTIMISER_MUON && control.inputs > 0 {
                let matrix = MuonMatrix::new(setting, control.inputs, state.optimiser_updates);
                let (split, l2) = (main_end.clamp(range.start, range.end), config.l2);
                let of_matrix = partial(&moments, matrix, l2, range.start..split, main_end);
                let rule = MuonOther::from(setting);
                let of_others = partial(&moments, rule, l2, split..range.end, main_end);
                added(of_matrix, of_others)
            } else {
                with_rule!(setting, |rule| partial(
                    &moments, rule, config.l2, range, main_end
                ))
            };
            if params.objective_only == 1 {
                sums.objective = found.objective;
            } else {
                *sums = found;
            }
        });
    }
}

/// The setting of the latest update; before the first update, a setting whose update is zero.
fn latest<'a>(
    config: &'a ReplicaConfig,
    state: &ReplicaState,
    control: &LayerControl,
) -> Setting<'a> {
    let (corrections, step_size) = if state.optimiser_updates > 0 {
        let step_size = config.clipped_step_size(control.step_size, control.clip_ratio);
        (config.latest_corrections(state), step_size)
    } else {
        ((1.0, 1.0), 0.0)
    };
    Setting {
        config,
        corrections,
        step_size,
    }
}

/// The buffers that are summed; each holds all layers.
struct Moments<'a> {
    gradients: &'a [f32],
    parameters: &'a [f32],
    first: &'a [f32],
    second: &'a [f32],
}

/// The sums over two parts of a stretch.
fn added(a: LayerSums, b: LayerSums) -> LayerSums {
    LayerSums {
        gradient: a.gradient + b.gradient,
        objective: a.objective + b.objective,
        weight: a.weight + b.weight,
        update: a.update + b.update,
        main_second_moment: a.main_second_moment + b.main_second_moment,
        other_second_moment: a.other_second_moment + b.other_second_moment,
        ..a
    }
}

fn partial<R: Rule>(
    moments: &Moments<'_>,
    rule: R,
    l2: f32,
    range: Range<usize>,
    main_end: usize,
) -> LayerSums {
    let slices = [
        &moments.gradients[range.clone()],
        &moments.parameters[range.clone()],
        &moments.first[range.clone()],
        &moments.second[range.clone()],
    ];
    let [gradient, objective, weight, update] = sum_in_lanes(slices, |[g, theta, m, v]| {
        let objective = g + l2 * theta;
        let update = rule.latest_update(theta, m, v);
        [g * g, objective * objective, theta * theta, update * update]
    });
    let main_end = main_end.clamp(range.start, range.end);
    let sum_of_second = |range: Range<usize>| {
        let slices = [&moments.first[range.clone()], &moments.second[range]];
        sum_in_lanes(slices, |[m, v]| [rule.mean_square(m, v)])[0]
    };
    LayerSums {
        gradient,
        objective,
        weight,
        update,
        main_second_moment: sum_of_second(range.start..main_end),
        other_second_moment: sum_of_second(main_end..range.end),
        ..bytemuck::Zeroable::zeroed()
    }
}
