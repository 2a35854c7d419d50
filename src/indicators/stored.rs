//! The pass that the training buffers of one replica hold.

use bytemuck::cast_slice;

use super::{BlockPass, FISHER_SAMPLES, HiddenPass, Indicators, Pass, Samples};
use crate::error::Error;
use crate::network::{Activation, Network, Node, Op, Value, ValueId};
use crate::probe::check_finite;
use crate::spec::TrainingSpec;
use crate::state::ReplicaState;

/// A source of the indicators, besides the states and the records of a probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    /// A value, f(z).
    Value(ValueId),
    /// The pre-activations z that a value keeps.
    PreActivations(ValueId),
    /// The gradients with respect to the pre-activations of a value.
    Gradients(ValueId),
    /// The normalised inputs of the layer normalisation that makes a value, `[rows, padded units + 4]`.
    Normalised(ValueId),
}

/// The sources of the indicators of a network, each once.
pub(crate) fn sources(network: &Network) -> Vec<Source> {
    let hidden = hidden_values(network).flat_map(|id| {
        let keeps = network.value(id).activation.keeps_pre_activations();
        let kept = keeps.then_some(Source::PreActivations(id));
        [Source::Value(id)].into_iter().chain(kept)
    });
    let blocks = network.nodes().iter().flat_map(block_sources);
    let mut sources: Vec<Source> = Vec::new();
    for source in hidden.chain(blocks) {
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    sources
}

/// The sources of the share of a node's block.
fn block_sources(node: &Node) -> Vec<Source> {
    match node.op {
        Op::Linear(_) => vec![
            Source::Value(node.inputs[0]),
            Source::Gradients(node.output),
        ],
        Op::LayerNorm(_) => vec![
            Source::Normalised(node.output),
            Source::Gradients(node.output),
        ],
        Op::PositionEmbedding(_) => vec![Source::Gradients(node.output)],
        Op::Add(_) | Op::Attention(_) | Op::Patches(_) | Op::Pool(_) => Vec::new(),
    }
}

/// The hidden layers: values with an activation, and values that linear operations read. Patches, and pools without an
/// activation, have no units of their own: what they read counts in their place. Neither constants nor logits are hidden.
fn hidden_values(network: &Network) -> impl Iterator<Item = ValueId> {
    let read: Vec<_> = network
        .linear_nodes()
        .map(|node| units_of(network, node.inputs[0]))
        .collect();
    let values = network.nodes().iter().map(|node| node.output);
    values.filter(move |id| {
        let has_activation = network.value(*id).activation != Activation::Identity;
        let is_hidden = has_activation || read.contains(id);
        is_hidden && *id != network.logits() && !network.is_constant(*id)
    })
}

/// The value whose units a value shows.
fn units_of(network: &Network, id: ValueId) -> ValueId {
    let maker = network.nodes().iter().find(|node| node.output == id);
    let shows = |node: &&Node| match node.op {
        Op::Patches(_) => true,
        Op::Pool(_) => network.value(id).activation == Activation::Identity,
        _ => false,
    };
    match maker.filter(shows) {
        Some(node) => units_of(network, node.inputs[0]),
        None => id,
    }
}

/// Computes the indicators from one replica's states and records of a probe, and its parts of [`sources`].
pub(crate) fn of_stored(spec: &TrainingSpec, parts: &[&[u32]]) -> Result<Indicators, Error> {
    let network = &spec.network;
    let (probe, parts) = parts.split_at(2);
    let states: &[ReplicaState] = cast_slice(probe[0]);
    check_finite(&states[0], cast_slice(probe[1]))?;
    let sources = sources(network);
    let part = |source: Source| -> &[f32] {
        let place = sources.iter().position(|other| *other == source);
        cast_slice(parts[place.expect("a source of the network")])
    };
    let value = |id: ValueId| {
        let value = network.value(id);
        samples(part(Source::Value(id)), value, value.copies())
    };
    let hidden = |id: ValueId| {
        let own = network.value(id);
        let keeps = own.activation.keeps_pre_activations();
        let kept = keeps.then(|| samples(part(Source::PreActivations(id)), own, 1));
        HiddenPass {
            activation: own.activation,
            values: value(id),
            pre_activations: kept,
        }
    };
    let gradients = |id: ValueId| samples(part(Source::Gradients(id)), network.value(id), 1);
    let formed = spec.batch.min(FISHER_SAMPLES as u32) as usize;
    let block = |node: &Node| match node.op {
        Op::Linear(_) => Some(BlockPass::Linear {
            inputs: value(node.inputs[0]),
            gradients: gradients(node.output),
        }),
        Op::LayerNorm(_) => {
            let output = network.value(node.output);
            let normalised = Samples {
                stride: output.padded_units() as usize + 4,
                ..samples(part(Source::Normalised(node.output)), output, 1)
            };
            let gradients = gradients(node.output);
            let sample = |sample| norm_gradient(sample, &normalised, &gradients);
            Some(BlockPass::SampleGradients(
                (0..formed).map(sample).collect(),
            ))
        }
        Op::PositionEmbedding(_) => {
            let gradients = gradients(node.output);
            let sample = |sample| gradients.rows_of(sample).flatten().collect();
            Some(BlockPass::SampleGradients(
                (0..formed).map(sample).collect(),
            ))
        }
        Op::Add(_) | Op::Attention(_) | Op::Patches(_) | Op::Pool(_) => None,
    };
    let last = network.linear_nodes().last().expect("a linear operation");
    let pass = Pass {
        batch: spec.batch as usize,
        hidden: hidden_values(network).map(hidden).collect(),
        features: value(last.inputs[0]),
        blocks: network.nodes().iter().filter_map(block).collect(),
    };
    pass.indicators()
}

/// The gradient of one sample with respect to the gain, the sum over positions of `d xhat`, and the bias, that of d.
fn norm_gradient(sample: usize, normalised: &Samples<'_>, gradients: &Samples<'_>) -> Vec<f64> {
    let width = gradients.columns();
    let mut gradient = vec![0.0; 2 * width];
    for (xhat, d) in normalised.rows_of(sample).zip(gradients.rows_of(sample)) {
        for (unit, (xhat, d)) in xhat.zip(d).enumerate() {
            gradient[unit] += d * xhat;
            gradient[width + unit] += d;
        }
    }
    gradient
}

fn samples<'a>(values: &'a [f32], value: &Value, copies: u32) -> Samples<'a> {
    Samples {
        values,
        positions: value.positions() as usize,
        stride: (value.padded_units() * copies) as usize,
        copies: copies as usize,
        width: value.units as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(input: [u32; 3], items: &[&str]) -> Vec<usize> {
        let items: Vec<_> = items.iter().map(|item| item.parse().unwrap()).collect();
        let network = Network::sequence(input, &items).unwrap();
        hidden_values(&network).map(ValueId::index).collect()
    }

    /// Values: the minibatch, patches, conv1, its pool, patches, conv2, flat, fc1, the logits.
    #[test]
    fn hidden_values_are_those_with_activations_whoever_reads_them() {
        let lenet = [
            "conv 2 kernel 2",
            "relu",
            "max-pool 2",
            "conv 3 kernel 2",
            "flatten",
            "linear 4",
            "tanh",
            "linear 3",
        ];
        assert_eq!(hidden([1, 7, 7], &lenet), [2, 5, 7]);
        let with_pool = [
            "conv 2 kernel 2",
            "max-pool 2",
            "relu",
            "flatten",
            "linear 3",
        ];
        assert_eq!(hidden([1, 7, 7], &with_pool), [3]);
    }

    #[test]
    fn a_perceptrons_sources_are_listed_once() {
        let network = Network::mlp(&[4, 5, 3], Activation::Gelu).unwrap();
        let [hidden, logits] = [1, 2].map(ValueId);
        let wanted = [
            Source::Value(hidden),
            Source::PreActivations(hidden),
            Source::Value(ValueId(0)),
            Source::Gradients(hidden),
            Source::Gradients(logits),
        ];
        assert_eq!(sources(&network), wanted);
    }
}
