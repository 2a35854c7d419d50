//! Twin of `shaders/optimisers/upgd_utility.wgsl`.

use std::f32::consts::PI;

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::Squares;
use crate::cpu::optimiser::{SECOND_MOMENT_FLOOR, flush};
use crate::kernels::UpgdUtility;
use crate::rng::{Stream, pcg4d, unit_uniform};
use crate::spec::optimiser::OPTIMISER_UPGD;
use crate::state::{HALTED_UPDATE, RUNNING, ReplicaConfig, ReplicaState, StepSum, TensorLayout};

pub(crate) fn run(_: &UpgdUtility, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        tensors,
        gradients,
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
    let scale = Squares(step_sums.read()).gradient_scale(&config);
    let (gradients, parameters) = (gradients.read::<f32>(), parameters.read::<f32>());
    let (first, utilities) = (first_moment.write::<f32>(), second_moment.write::<f32>());
    let mut largest = 0.0_f32;
    let mut is_finite = true;
    for tensor in tensors.read::<TensorLayout>() {
        let columns = tensor.columns as usize;
        let elements = tensor.elements();
        let rows = gradients[elements.clone()]
            .par_chunks(columns)
            .zip(parameters[elements.clone()].par_chunks(columns))
            .zip(first[elements.clone()].par_chunks_mut(columns))
            .zip(utilities[elements].par_chunks_mut(columns));
        let advanced = rows.enumerate().map(|(row, (((g, theta), m), u))| {
            let noise = Noise {
                tensor,
                input: tensor.input_of(row as u32),
                seed: config.seed,
                updates: state.updates,
            };
            let mut found = (0.0_f32, true);
            for (column, (((g, theta), m), u)) in g.iter().zip(theta).zip(m).zip(u).enumerate() {
                let g = scale * (g + config.l2 * theta);
                let next = config.beta2 * *u - config.one_minus_beta2 * (g * theta);
                *u = flush(next, SECOND_MOMENT_FLOOR);
                *m = g;
                if config.noise > 0.0 {
                    *m += config.noise * noise.normal(column as u32);
                }
                found.0 = if *u > found.0 { *u } else { found.0 };
                found.1 &= u.is_finite() && m.is_finite();
            }
            found
        });
        let found = advanced.reduce(|| (0.0, true), |a, b| (a.0.max(b.0), a.1 && b.1));
        largest = largest.max(found.0);
        is_finite &= found.1;
    }
    let sums = &mut step_sums.write::<StepSum>()[0];
    sums.utility = sums.utility.max(largest.to_bits());
    if !is_finite {
        sums.divergence |= HALTED_UPDATE;
    }
}

/// The noise of one row of a tensor in one update.
struct Noise<'a> {
    tensor: &'a TensorLayout,
    /// The input that the row holds; `None` in padding.
    input: Option<u32>,
    seed: u32,
    updates: u32,
}

impl Noise<'_> {
    /// A standard normal number, 0 in padding.
    fn normal(&self, column: u32) -> f32 {
        let Some(input) = self.input.filter(|_| column < self.tensor.outputs) else {
            return 0.0;
        };
        let place = self.tensor.first_place + column * self.tensor.inputs + input;
        // Streams are numbered below 256, so each block has two of its own.
        let stream = (Stream::Utility as u32).wrapping_add(self.tensor.block << 9);
        let uniform = |stream| unit_uniform(pcg4d([self.seed, stream, self.updates, place])[3]);
        let [a, b] = [uniform(stream), uniform(stream.wrapping_add(256))];
        (-2.0 * (1.0 - a).ln()).sqrt() * -(PI * (2.0 * b - 1.0)).cos()
    }
}
