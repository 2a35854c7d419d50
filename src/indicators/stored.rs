//! The pass that the training buffers of one replica hold.

use bytemuck::cast_slice;

use super::{Indicators, LayerPass, Pass, Samples};
use crate::error::Error;
use crate::network::{Network, Node, Value};
use crate::probe::check_finite;
use crate::spec::TrainingSpec;
use crate::state::ReplicaState;

/// Computes the indicators from one replica's parts of [`crate::plan::Buffers::indicator_sources`].
pub(crate) fn of_stored(spec: &TrainingSpec, parts: &[&[u32]]) -> Result<Indicators, Error> {
    let (probe, mut rest) = parts.split_at(2);
    let states: &[ReplicaState] = cast_slice(probe[0]);
    check_finite(&states[0], cast_slice(probe[1]))?;
    let mut next = || -> &[f32] {
        let (first, others) = rest.split_first().expect("the parts of every linear node");
        rest = others;
        cast_slice(first)
    };
    let layer = |node: &Node| {
        let input = spec.network.value(node.inputs[0]);
        let (inputs, gradients) = (next(), next());
        let keeps = input.activation.keeps_pre_activations();
        layer_pass(
            &spec.network,
            node,
            inputs,
            keeps.then(&mut next),
            gradients,
        )
    };
    let pass = Pass {
        batch: spec.batch as usize,
        layers: spec.network.linear_nodes().map(layer).collect(),
    };
    pass.indicators()
}

fn layer_pass<'a>(
    network: &Network,
    node: &Node,
    inputs: &'a [f32],
    pre_activations: Option<&'a [f32]>,
    gradients: &'a [f32],
) -> LayerPass<'a> {
    let samples = |values, value: &Value, copies| Samples {
        values,
        stride: (value.padded_units() * copies) as usize,
        copies: copies as usize,
        width: value.units as usize,
    };
    let input = network.value(node.inputs[0]);
    LayerPass {
        activation: input.activation,
        inputs: samples(inputs, input, input.copies()),
        pre_activations: pre_activations.map(|z| samples(z, input, 1)),
        gradients: samples(gradients, network.value(node.output), 1),
    }
}
