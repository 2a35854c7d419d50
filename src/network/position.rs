//! The position embedding: `z = x + E`, with a parameter for each position and unit.
//!
//! A replica's parameters hold E as one row of padded units for each position.

use super::Activation;
use super::build::{Builder, TensorShape};
use super::tensor::Init;
use super::value::{Value, ValueId};
use crate::error::Error;

/// A position embedding: the tensor that it adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionEmbedding {
    /// The index in [`super::Network::tensors`] of E `[positions, units]`.
    pub(crate) weight: usize,
}

impl PositionEmbedding {
    /// The standard deviation of the initial elements, that of vision transformers (Dosovitskiy et al., arXiv 2010.11929).
    /// They are uniform instead of normal.
    pub const DEVIATION: f32 = 0.02;

    /// Adds the value and the tensor of a position embedding.
    ///
    /// # Errors
    /// An input that holds two copies of its units.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        activation: Activation,
    ) -> Result<(Self, ValueId), Error> {
        let read = network.value(input);
        read.check_one_copy("input of position-embedding")?;
        let output = network.add_value(Value { activation, ..read });
        // In the table of tensors the positions are copies of the units in one column, so that each is padded by itself.
        let weight = network.add_tensor(TensorShape {
            name: "weight",
            shape: vec![read.positions(), read.units],
            rows: read.positions() * read.padded_units(),
            copies: read.positions(),
            columns: 1,
            init: Init::Deviation(Self::DEVIATION),
        })?;
        Ok((Self { weight }, output))
    }
}
