//! A training step: the minibatch, the pass forward and back, and what the gradients do.

use super::buffers::{Buffers, TASK_LOG_LENGTH};
use super::declare::BufferId;
use super::dispatch::{Dispatch, Grid};
use super::ops::{self, Site};
use super::regularisers;
use crate::kernels::{AdamStep, BatchGather, SgdStep, SoftmaxCrossEntropy, StepFinish};
use crate::network::{Node, ValueId};
use crate::spec::{Optimiser, ReplicaSpec, StreamKind, TrainingSpec};

/// The stream's next minibatch; `None` without a stream.
pub(super) fn gather(spec: &TrainingSpec, buffers: &Buffers) -> Option<Dispatch> {
    let stream = spec.stream.as_ref()?;
    let params = BatchGather {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        columns: spec.input_columns(),
        pixels: stream.images.pixels(),
        words: stream.images.words_per_image(),
        total: stream.images.count(),
        images: stream.subset,
        relabelled: stream.relabelled(),
        classes: spec.network.classes(),
        permuted: u32::from(stream.kind == StreamKind::PermutedPixels),
        floats: u32::from(stream.images.is_of_floats()),
        plane: stream.images.plane(),
    };
    let bound = [
        buffers.configs,
        buffers.states,
        buffers.images?,
        buffers.image_labels?,
        buffers.standards?,
        buffers.activations[0],
        buffers.labels,
    ];
    Some(Dispatch::new(params, bound, [spec.batch_rows(), 1]))
}

/// Forward, loss, backward, regularisers, optimiser: 3 dispatches a layer less one, and three more (four
/// when the replicas differ in their optimiser), without those of regularisers.
pub(super) fn update(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let mut dispatches = forward_and_backward(spec, buffers, buffers.states);
    dispatches.extend(regularisers::add_gradients(spec, buffers));
    dispatches.extend(apply(spec, buffers));
    dispatches
}

/// The logits of the minibatch that is loaded.
pub(super) fn forward(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let forward = |node: &Node| ops::plans(&node.op).forward(&site(spec, buffers, node));
    spec.network.nodes().iter().flat_map(forward).collect()
}

/// The gradients of the loss on the minibatch that is loaded; the loss itself goes into `states`.
pub(super) fn forward_and_backward(
    spec: &TrainingSpec,
    buffers: &Buffers,
    states: BufferId,
) -> Vec<Dispatch> {
    let backward = |node: &Node| {
        let reads_minibatch = node.inputs.contains(&ValueId(0));
        ops::plans(&node.op).backward(&site(spec, buffers, node), !reads_minibatch)
    };
    let mut dispatches = forward(spec, buffers);
    dispatches.push(loss(spec, buffers, states));
    dispatches.extend(spec.network.nodes().iter().rev().flat_map(backward));
    dispatches
}

/// What the gradients do to the parameters, and the end of the step.
pub(super) fn apply(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let mut dispatches = optimisers(spec, buffers);
    dispatches.push(finish(spec, buffers));
    dispatches
}

/// The loss of the logits goes into `states`, its gradient to that of the logits.
pub(super) fn loss(spec: &TrainingSpec, buffers: &Buffers, states: BufferId) -> Dispatch {
    let logits = spec.network.logits();
    let params = SoftmaxCrossEntropy {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        classes: spec.network.classes(),
        columns: spec.network.value(logits).columns(),
        inverse_batch: (1.0 / f64::from(spec.batch)) as f32,
    };
    let bound = [
        buffers.activations[logits.index()],
        buffers.labels,
        buffers.pre_activation_gradients[logits.index() - 1],
        states,
    ];
    Dispatch::new(params, bound, [1, 1])
}

fn site<'a>(spec: &'a TrainingSpec, buffers: &'a Buffers, node: &'a Node) -> Site<'a> {
    Site {
        spec,
        buffers,
        node,
    }
}

/// The kernels that some replica needs; each leaves the others' replicas alone.
fn optimisers(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let is_adam = |replica: &ReplicaSpec| matches!(replica.optimiser, Optimiser::Adam { .. });
    let adam = spec
        .replicas
        .iter()
        .any(is_adam)
        .then(|| adam(spec, buffers));
    let all_adam = spec.replicas.iter().all(is_adam);
    let sgd = (!all_adam).then(|| sgd(spec, buffers));
    adam.into_iter().chain(sgd).collect()
}

fn adam(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = AdamStep {
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
    Dispatch::new(params, bound, Grid::elements::<AdamStep>(parameters_stride))
}

fn sgd(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let params = SgdStep {
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
        buffers.divergence,
    ];
    Dispatch::new(params, bound, Grid::elements::<SgdStep>(parameters_stride))
}

fn finish(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let params = StepFinish {
        batches_per_epoch: spec.batches_per_epoch(),
        epochs: spec.stream.as_ref().map_or(1, |stream| stream.epochs),
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
