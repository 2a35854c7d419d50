//! Twin of `shaders/optimisers/upgd_utility.wgsl`.

use std::f32::consts::PI;

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::clipping::Squares;
use crate::cpu::elementary::{logarithm, sine};
use crate::cpu::optimiser::{SECOND_MOMENT_FLOOR, flush};
use crate::kernels::UpgdUtility;
use crate::rng::{Stream, pcg4d, unit_uniform};
use crate::spec::optimiser::OPTIMISER_UPGD;
use crate::state::{HALTED_UPDATE, RUNNING, ReplicaConfig, ReplicaState, StepSum, TensorLayout};

/// The number of rows from which on a task takes no other.
const ROWS_PER_TASK: usize = 32;

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
    let mut found = Found::default();
    for tensor in tensors.read::<TensorLayout>() {
        let columns = tensor.columns as usize;
        let elements = tensor.elements();
        let rows = gradients[elements.clone()]
            .par_chunks(columns)
            .zip(parameters[elements.clone()].par_chunks(columns))
            .zip(first[elements.clone()].par_chunks_mut(columns))
            .zip(utilities[elements].par_chunks_mut(columns));
        let advanced = rows.enumerate().with_min_len(ROWS_PER_TASK);
        let advanced = advanced.map(|(row, (((gradients, parameters), first), utilities))| {
            pulp::Arch::new().dispatch(Row {
                config: &config,
                updates: state.updates,
                scale,
                tensor,
                input: tensor.input_of(row as u32),
                gradients,
                parameters,
                first,
                utilities,
            })
        });
        found = advanced.reduce(|| found, Found::or);
    }
    let sums = &mut step_sums.write::<StepSum>()[0];
    sums.utility = sums.utility.max(found.utility.to_bits());
    if found.bits >= f32::INFINITY.to_bits() {
        sums.divergence |= HALTED_UPDATE;
    }
}

/// The largest numbers among the elements of some rows.
#[derive(Clone, Copy, Default)]
struct Found {
    /// The largest utility, 0 or more.
    utility: f32,
    /// The largest bits of the absolute values; as integers those of infinity and NaN sort last.
    bits: u32,
}

impl Found {
    fn or(self, other: Self) -> Self {
        Self {
            utility: self.utility.max(other.utility),
            bits: self.bits.max(other.bits),
        }
    }
}

/// One stored row of a tensor, which [`pulp`] compiles for the widest vectors that this processor has.
struct Row<'a> {
    config: &'a ReplicaConfig,
    updates: u32,
    /// The factor of gradient clipping.
    scale: f32,
    tensor: &'a TensorLayout,
    /// The input that the row holds; `None` in padding.
    input: Option<u32>,
    gradients: &'a [f32],
    parameters: &'a [f32],
    first: &'a mut [f32],
    utilities: &'a mut [f32],
}

impl pulp::WithSimd for Row<'_> {
    type Output = Found;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Found {
        let config = self.config;
        let (outputs, inputs) = (self.tensor.outputs as usize, self.tensor.inputs);
        if let Some(input) = self.input.filter(|_| config.noise > 0.0) {
            // Streams are numbered below 256, so each block has two of its own.
            let stream = (Stream::Utility as u32).wrapping_add(self.tensor.block << 9);
            let first_place = self.tensor.first_place + input;
            for (m, column) in self.first[..outputs].iter_mut().zip(0..) {
                let key = [
                    config.seed,
                    stream,
                    self.updates,
                    first_place + column * inputs,
                ];
                *m = config.noise * normal(key);
            }
            self.first[outputs..].fill(0.0);
        } else {
            self.first.fill(0.0);
        }
        let mut found = Found::default();
        let elements = self.gradients.iter().zip(self.parameters);
        let moments = self.first.iter_mut().zip(self.utilities);
        for ((g, theta), (m, u)) in elements.zip(moments) {
            let g = self.scale * (g + config.l2 * theta);
            let next = config.beta2 * *u - config.one_minus_beta2 * (g * theta);
            *u = flush(next, SECOND_MOMENT_FLOOR);
            *m += g;
            found.utility = if *u > found.utility {
                *u
            } else {
                found.utility
            };
            let bits = u.abs().to_bits().max(m.abs().to_bits());
            found.bits = found.bits.max(bits);
        }
        found
    }
}

/// A standard normal number, by the method of Box and Muller.
#[inline(always)]
fn normal([seed, stream, updates, place]: [u32; 4]) -> f32 {
    let uniform = |stream| unit_uniform(pcg4d([seed, stream, updates, place])[3]);
    let [a, b] = [uniform(stream), uniform(stream.wrapping_add(256))];
    let radius = (-2.0 * logarithm(1.0 - a)).sqrt();
    radius * -sine(PI * (2.0 * b - 1.0), 1.0)
}
