//! Twin of `shaders/optimisers/optimiser_step.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, step_size};
use crate::cpu::divisor::{self, ELEMENTS_PER_TASK, Term};
use crate::cpu::finish::finish_step;
use crate::cpu::optimiser::{Rule, Setting, with_rule};
use crate::kernels::OptimiserStep;
use crate::spec::optimiser::{OPTIMISER_MUON, OPTIMISER_UPGD};
use crate::state::{HALTED_UPDATE, LayerControl, RUNNING, ReplicaConfig, ReplicaState, StepSum};

pub(crate) fn run(params: &OptimiserStep, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        controls,
        gradients,
        parameters,
        first,
        second,
        step_sums,
    ] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = &mut states.write::<ReplicaState>()[0];
    let controls = controls.write::<LayerControl>();
    let step_sums = step_sums.write::<StepSum>();
    if state.halted == RUNNING && config.optimiser != OPTIMISER_UPGD {
        let values = [parameters.write(), first.write(), second.write()];
        let gradients = gradients.read();
        if !update_all(
            &config,
            state,
            controls,
            Squares(step_sums),
            gradients,
            values,
        ) {
            step_sums[0].divergence |= HALTED_UPDATE;
        }
    }
    if params.workgroups > 0 {
        finish_step(
            params.batches_per_epoch,
            &config,
            state,
            controls,
            step_sums,
        );
    }
}

/// Updates the parameters and the moments of all layers; returns whether all of them stayed finite.
fn update_all(
    config: &ReplicaConfig,
    state: &ReplicaState,
    controls: &[LayerControl],
    squares: Squares<'_>,
    gradients: &[f32],
    [parameters, first, second]: [&mut [f32]; 3],
) -> bool {
    let scale = squares.gradient_scale(config);
    let term = Term {
        scale,
        l2: config.l2,
    };
    divisor::advance(config, state, term, [gradients, parameters], second);
    let mut is_finite = true;
    for (layer, control) in controls.iter().enumerate() {
        let step_size = step_size(config, squares, scale, (layer, control));
        // Muon updates weight matrices by kernels of their own.
        let is_muon_matrix = config.optimiser == OPTIMISER_MUON && control.inputs > 0;
        let start = if is_muon_matrix {
            control.main_end
        } else {
            control.start
        };
        let block = start as usize * 4..control.end as usize * 4;
        let gradients = &gradients[block.clone()];
        let values = [
            &mut parameters[block.clone()],
            &mut first[block.clone()],
            &mut second[block],
        ];
        let setting = Setting {
            config,
            corrections: (state.correction1, state.correction2),
            step_size,
        };
        is_finite &= with_rule!(setting, |rule| update(rule, term, gradients, values));
    }
    is_finite
}

/// Updates one layer's parameters and moments; returns whether all of them stayed finite.
fn update<R: Rule>(rule: R, term: Term, gradients: &[f32], values: [&mut [f32]; 3]) -> bool {
    let [parameters, first, second] = values;
    let arch = pulp::Arch::new();
    gradients
        .par_chunks(ELEMENTS_PER_TASK)
        .zip(parameters.par_chunks_mut(ELEMENTS_PER_TASK))
        .zip(first.par_chunks_mut(ELEMENTS_PER_TASK))
        .zip(second.par_chunks_mut(ELEMENTS_PER_TASK))
        .map(|(((g, theta), m), v)| arch.dispatch(|| update_stretch(rule, term, g, theta, m, v)))
        .reduce(|| true, |a, b| a && b)
}

/// Updates a stretch of one layer; returns whether all of it stayed finite. Inlined into a caller that
/// [`pulp`] compiles for the widest vectors that this processor has.
#[inline(always)]
fn update_stretch<R: Rule>(
    rule: R,
    term: Term,
    gradients: &[f32],
    parameters: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
) -> bool {
    // The bits of absolute values, as integers, sort infinity and NaN last; their maximum vectorises.
    let mut largest = 0;
    for (((g, theta), m), v) in gradients.iter().zip(parameters).zip(first).zip(second) {
        let g = term.gradient(*g, *theta);
        let before = if R::KEEPS_V { *v } else { 0.0 };
        let [next_m, next_v] = rule.advance(g, *m, before);
        *m = next_m;
        if R::KEEPS_V {
            *v = next_v;
        }
        *theta = rule.stepped(*theta, next_m, next_v);
        let bits = [next_m, next_v, *theta].map(|x| x.abs().to_bits());
        largest = bits.into_iter().fold(largest, u32::max);
    }
    largest < f32::INFINITY.to_bits()
}
