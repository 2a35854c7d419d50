//! A training step: the minibatch, the forward and backward pass, and the update.

use super::buffers::{Buffers, TASK_LOG_LENGTH};
use super::declare::BufferId;
use super::dispatch::Dispatch;
use super::ops::{self, Site};
use super::{optimiser, regularisers};
use crate::kernels::{BatchGather, SoftmaxCrossEntropy, TaskFinish};
use crate::network::Node;
use crate::spec::TrainingSpec;

/// Gathers the stream's next minibatch; `None` without a stream.
pub(super) fn gather(spec: &TrainingSpec, buffers: &Buffers) -> Option<Dispatch> {
    let stream = spec.stream.as_ref()?;
    let lengths = spec.task_lengths();
    let params = BatchGather {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        columns: spec.network.values()[0].columns(),
        pixels: stream.images.pixels(),
        words: stream.images.words_per_image(),
        total: stream.images.count(),
        images: stream.subset,
        relabelled: stream.relabelled(),
        classes: spec.network.classes(),
        stream: stream.kind.number(),
        parameter: stream.parameter(),
        floats: u32::from(stream.images.is_of_floats()),
        plane: stream.images.plane(),
        mean_length: lengths.mean as u32,
        length_spread: lengths.spread() as u32,
        switch_seed: lengths.switch_seed.unwrap_or(0),
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

/// Ends the task: logs it, and begins the next.
pub(super) fn finish_task(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let params = TaskFinish {
        batches_per_epoch: spec.batches_per_epoch(),
        log_length: TASK_LOG_LENGTH,
    };
    Dispatch::new(params, [buffers.states, buffers.task_log], [1, 1])
}

/// Runs the forward pass, the loss, the backward pass, the regularisers and the optimiser. Without regularisers a
/// perceptron of L layers needs 2 L + 2 dispatches.
pub(super) fn update(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let mut dispatches = forward_and_backward(spec, buffers, buffers.states);
    dispatches.extend(regularisers::add_gradients(spec, buffers));
    dispatches.extend(optimiser::apply(spec, buffers));
    dispatches
}

/// Computes the logits of the loaded minibatch.
pub(super) fn forward(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let forward = |node: &Node| ops::plans(&node.op).forward(&site(spec, buffers, node));
    spec.network.nodes().iter().flat_map(forward).collect()
}

/// Computes the gradients of the loss on the loaded minibatch. The loss itself goes into `states`.
pub(super) fn forward_and_backward(
    spec: &TrainingSpec,
    buffers: &Buffers,
    states: BufferId,
) -> Vec<Dispatch> {
    let network = &spec.network;
    let backward = |node: &Node| {
        let to_input = node.inputs.iter().any(|input| !network.is_constant(*input));
        ops::plans(&node.op).backward(&site(spec, buffers, node), to_input)
    };
    let nodes = network.nodes().iter().rev();
    let with_gradients = nodes.filter(|node| !network.is_constant(node.output));
    let mut dispatches = forward(spec, buffers);
    dispatches.push(loss(spec, buffers, states));
    dispatches.extend(with_gradients.flat_map(backward));
    dispatches
}

/// Computes the loss, which goes into `states`, and its gradient with respect to the logits.
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
