//! The end of a step: the gradients change the parameters, and the counters advance.

use super::buffers::{Buffers, TASK_LOG_LENGTH};
use super::dispatch::{Dispatch, Grid};
use crate::kernels::{OptimiserStep, StepFinish};
use crate::spec::TrainingSpec;

/// Updates every replica by its own optimiser, and ends the step.
pub(super) fn apply(spec: &TrainingSpec, buffers: &Buffers) -> [Dispatch; 2] {
    [optimiser_step(spec, buffers), step_finish(spec, buffers)]
}

fn optimiser_step(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = OptimiserStep {
        parameters_stride,
        layers: spec.network.blocks().len() as u32,
    };
    let bound = [
        buffers.configs,
        buffers.states,
        buffers.layer_controls,
        buffers.gradients,
        buffers.parameters,
        buffers.first_moment,
        buffers.second_moment,
        buffers.divergence,
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
    };
    let bound = [
        buffers.configs,
        buffers.divergence,
        buffers.states,
        buffers.task_log,
    ];
    Dispatch::new(params, bound, [1, 1])
}
