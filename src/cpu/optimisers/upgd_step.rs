//! Twin of `shaders/optimisers/upgd_step.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, step_size};
use crate::cpu::divisor::ELEMENTS_PER_TASK;
use crate::cpu::elementary::exponential;
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
            .map(|((parameters, taken), utilities)| {
                pulp::Arch::new().dispatch(Stretch {
                    rule,
                    correction: state.correction2,
                    utility,
                    parameters,
                    taken,
                    utilities,
                })
            })
            .reduce(|| true, |a, b| a && b);
    }
    if !is_finite {
        step_sums.write::<StepSum>()[0].divergence |= HALTED_UPDATE;
    }
}

/// A stretch of a tensor, which [`pulp`] compiles for the widest vectors that this processor has.
struct Stretch<'a> {
    rule: Decayed<Upgd>,
    correction: f32,
    /// The largest utility of the replica.
    utility: f32,
    parameters: &'a mut [f32],
    taken: &'a mut [f32],
    utilities: &'a [f32],
}

impl pulp::WithSimd for Stretch<'_> {
    type Output = bool;

    /// Updates the parameters; returns whether all of them stayed finite.
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> bool {
        // With an infinite divisor every share is 1/2.
        let utility = if self.utility == 0.0 {
            f32::INFINITY
        } else {
            self.utility
        };
        let mut largest = 0;
        let elements = self
            .parameters
            .iter_mut()
            .zip(self.taken)
            .zip(self.utilities);
        for ((theta, m), u) in elements {
            let exponent = u / self.correction / utility;
            let exponent = exponent.clamp(-LARGEST_EXPONENT, LARGEST_EXPONENT);
            *m *= 1.0 / (1.0 + exponential(exponent));
            *theta = self.rule.stepped(*theta, *m, *u);
            largest = largest.max(theta.abs().to_bits());
        }
        largest < f32::INFINITY.to_bits()
    }
}
