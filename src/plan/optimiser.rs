//! The end of a step: the gradients change the parameters, and the counters go on.

use super::{Buffers, Dispatch, TASK_LOG_LENGTH, dispatch};
use crate::kernels::{OptimiserStep, Params, StepFinish};
use crate::spec::TrainingSpec;

/// The update of every replica by its own optimiser, and the end of the step.
pub(super) fn apply(spec: &TrainingSpec, names: &Buffers) -> [Dispatch; 2] {
    [optimiser_step(spec, names), step_finish(spec, names)]
}

fn optimiser_step(spec: &TrainingSpec, names: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = OptimiserStep {
        parameters_stride,
        layers: spec.network.layers().len() as u32,
    };
    let buffers = [
        names.configs,
        names.states,
        names.layer_controls,
        names.gradients,
        names.parameters,
        names.first_moment,
        names.second_moment,
        names.divergence,
    ];
    let [invocations, ..] = OptimiserStep::KERNEL.plain.workgroup;
    dispatch(
        params,
        buffers,
        [parameters_stride.div_ceil(invocations), 1],
    )
}

fn step_finish(spec: &TrainingSpec, names: &Buffers) -> Dispatch {
    let params = StepFinish {
        batches_per_epoch: spec.batches_per_epoch(),
        epochs: spec.stream.as_ref().map_or(1, |stream| stream.epochs),
        log_length: TASK_LOG_LENGTH,
    };
    let buffers = [
        names.configs,
        names.divergence,
        names.states,
        names.task_log,
    ];
    dispatch(params, buffers, [1, 1])
}
