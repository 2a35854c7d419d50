//! A training step: the minibatch, the forward and backward pass, and the update.

use super::buffers::{Buffers, TASK_LOG_LENGTH};
use super::declare::BufferId;
use super::dispatch::Dispatch;
use super::ops::{self, Site};
use super::{optimiser, regularisers};
use crate::kernels::{BatchGather, SoftmaxCrossEntropy, SquaredError, TaskFinish, TeacherTargets};
use crate::network::Node;
use crate::spec::{TaskStream, TrainingSpec};

/// Gathers the stream's next minibatch, and computes its targets where it has any; `None` without a stream.
pub(super) fn gather(spec: &TrainingSpec, buffers: &Buffers) -> Option<Vec<Dispatch>> {
    let stream = spec.stream.as_ref()?;
    let images = buffers.images?;
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
        images,
        buffers.image_labels?,
        buffers.standards?,
        buffers.activations[0],
        buffers.labels,
    ];
    let gather = Dispatch::new(params, bound, [spec.batch_rows(), 1]);
    let targets = buffers.targets.map(|targets| {
        let (states, labels) = (buffers.states, buffers.labels);
        let bound = [buffers.configs, states, images, labels, targets];
        Dispatch::new(teacher(spec, stream), bound, [spec.batch_rows(), 1])
    });
    Some(std::iter::once(gather).chain(targets).collect())
}

fn teacher(spec: &TrainingSpec, stream: &TaskStream) -> TeacherTargets {
    TeacherTargets {
        batch: spec.batch,
        batch_rows: spec.batch_rows(),
        classes: spec.network.classes(),
        columns: spec.network.value(spec.network.logits()).columns(),
        pixels: stream.images.pixels(),
        words: stream.images.words_per_image(),
        floats: u32::from(stream.images.is_of_floats()),
        replaced: stream.parameter(),
    }
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
    let (batch, batch_rows) = (spec.batch, spec.batch_rows());
    let (classes, columns) = (spec.network.classes(), spec.network.value(logits).columns());
    let bound = |wanted| {
        let outputs = buffers.activations[logits.index()];
        let gradients = buffers.pre_activation_gradients[logits.index() - 1];
        [outputs, wanted, gradients, states]
    };
    match buffers.targets {
        None => {
            let params = SoftmaxCrossEntropy {
                batch,
                batch_rows,
                classes,
                columns,
                inverse_batch: (1.0 / f64::from(batch)) as f32,
            };
            Dispatch::new(params, bound(buffers.labels), [1, 1])
        }
        Some(targets) => {
            let params = SquaredError {
                batch,
                batch_rows,
                classes,
                columns,
                inverse_count: inverse_count(spec),
            };
            Dispatch::new(params, bound(targets), [1, 1])
        }
    }
}

/// One over the number of outputs of a whole minibatch, over which the squared error is a mean.
pub(super) fn inverse_count(spec: &TrainingSpec) -> f32 {
    (1.0 / (f64::from(spec.batch) * f64::from(spec.network.classes()))) as f32
}

fn site<'a>(spec: &'a TrainingSpec, buffers: &'a Buffers, node: &'a Node) -> Site<'a> {
    Site {
        spec,
        buffers,
        node,
    }
}
