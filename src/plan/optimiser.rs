//! The end of a step: gradients are clipped and change the parameters, and the counters advance.

use super::buffers::{Buffers, TASK_LOG_LENGTH};
use super::dispatch::{Dispatch, Grid};
use crate::kernels::{GradientSquares, OptimiserStep, StepFinish};
use crate::spec::{ReplicaSpec, TrainingSpec};
use crate::state::SQUARE_PARTS;

/// Updates every replica by its own optimiser, and ends the step. Where a replica clips, the norms of the gradients are one
/// dispatch more.
pub(super) fn apply(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let is_clipped = spec.replicas.iter().any(ReplicaSpec::is_clipped);
    let squares = is_clipped.then(|| gradient_squares(spec, buffers));
    let step = [optimiser_step(spec, buffers), step_finish(spec, buffers)];
    squares.into_iter().chain(step).collect()
}

fn gradient_squares(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let layers = spec.network.blocks().len() as u32;
    let params = GradientSquares {
        parameters_stride: spec.network.parameter_stride() as u32 / 4,
        layers,
    };
    let bound = [
        buffers.configs,
        buffers.layer_controls,
        buffers.gradients,
        buffers.parameters,
        buffers.step_sums,
    ];
    Dispatch::new(params, bound, [SQUARE_PARTS, layers])
}

fn optimiser_step(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = OptimiserStep {
        parameters_stride,
        layers: spec.network.blocks().len() as u32,
        second_moments: spec.second_moments(),
    };
    let bound = [
        buffers.configs,
        buffers.states,
        buffers.layer_controls,
        buffers.gradients,
        buffers.parameters,
        buffers.first_moment,
        buffers.second_moment,
        buffers.step_sums,
    ];
    let grid = Grid::elements::<OptimiserStep>(parameters_stride);
    Dispatch::new(params, bound, grid)
}

fn step_finish(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let lengths = spec.task_lengths();
    let params = StepFinish {
        batches_per_epoch: spec.batches_per_epoch(),
        mean_length: lengths.mean as u32,
        length_spread: lengths.spread() as u32,
        switch_seed: lengths.switch_seed.unwrap_or(0),
        log_length: TASK_LOG_LENGTH,
        layers: spec.network.blocks().len() as u32,
    };
    let bound = [
        buffers.configs,
        buffers.step_sums,
        buffers.layer_controls,
        buffers.states,
        buffers.task_log,
    ];
    Dispatch::new(params, bound, [1, 1])
}
