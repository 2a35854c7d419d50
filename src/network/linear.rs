//! The linear operation: `z = x W + b`, at every position.
//!
//! A replica's parameters hold W as `[input columns, padded outputs]`, followed directly by b as one more row.

use super::Activation;
use super::build::{Builder, TensorShape};
use super::tensor::Init;
use super::value::{Value, ValueId};
use crate::error::Error;

/// A linear node: the tensors that it multiplies by and adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// The index in [`super::Network::tensors`] of the weights `[outputs, inputs]`; the bias `[outputs]` follows.
    pub(crate) weight: usize,
}

/// The location of a linear node's matrix in a replica's parameters. The row of its bias follows the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinearMatrix {
    /// The number of vec4s before it.
    pub(crate) offset: u32,
    /// The number of rows without the bias row: the columns of the input.
    pub(crate) rows: u32,
    /// The number of columns: the padded units of the output.
    pub(crate) columns: u32,
}

impl Linear {
    /// Adds a linear node and the value that it makes.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        units: u32,
        activation: Activation,
    ) -> Result<(Self, ValueId), Error> {
        let width = network.value(input).width();
        Self::add_shaped(network, input, vec![units, width], activation)
    }

    /// Adds a linear node whose weight has the shape `[units, ...]`, with the width of the input as the product of the
    /// other dimensions, and the value that it makes.
    pub(super) fn add_shaped(
        network: &mut Builder,
        input: ValueId,
        shape: Vec<u32>,
        activation: Activation,
    ) -> Result<(Self, ValueId), Error> {
        let (read, units) = (network.value(input), shape[0]);
        let output = network.add_value(Value {
            units,
            activation,
            ..read
        });
        let made = network.value(output);
        let weight = network.add_tensor(TensorShape {
            name: "weight",
            shape,
            rows: read.columns(),
            copies: read.copies(),
            columns: made.padded_units(),
            init: Init::KaimingUniform,
        })?;
        network.add_tensor(TensorShape {
            name: "bias",
            shape: vec![units],
            rows: 1,
            copies: 1,
            columns: made.padded_units(),
            init: Init::Zero,
        })?;
        Ok((Self { weight }, output))
    }
}
