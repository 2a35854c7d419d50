//! Twin of `shaders/optimisers/optimiser_step.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, step_size};
use crate::cpu::divisor::{self, ELEMENTS_PER_TASK, Term};
use crate::cpu::optimiser::{Rule, Setting, with_rule};
use crate::kernels::OptimiserStep;
use crate::spec::optimiser::OPTIMISER_MUON;
use crate::state::{HALTED_UPDATE, LayerControl, RUNNING, ReplicaConfig, ReplicaState, StepSum};

pub(crate) fn run(_: &OptimiserStep, arrays: &mut [Array; 8]) {
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
    let state = states.read::<ReplicaState>()[0];
    if state.halted != RUNNING {
        return;
    }
    let gradients = gradients.read::<f32>();
    let parameters = parameters.write::<f32>();
    let first = first.write::<f32>();
    let second = second.write::<f32>();
    let squares = Squares(step_sums.read());
    let scale = squares.gradient_scale(&config);
    let term = Term {
        scale,
        l2: config.l2,
    };
    divisor::advance(&config, &state, term, [gradients, parameters], second);
    let mut is_finite = true;
    for (layer, control) in controls.read::<LayerControl>().iter().enumerate() {
        let step_size = step_size(&config, squares, scale, (layer, control));
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
            config: &config,
            corrections: (state.correction1, state.correction2),
            step_size,
        };
        is_finite &= with_rule!(setting, |rule| update(rule, term, gradients, values));
    }
    if !is_finite {
        step_sums.write::<StepSum>()[0].divergence |= HALTED_UPDATE;
    }
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
