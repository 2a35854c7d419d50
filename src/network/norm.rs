//! Layer normalisation: `z = gain (x - mean(x)) / sqrt(variance(x) + epsilon) + bias`, at every position (Ba et al.,
//! arXiv 1607.06450).
//!
//! A replica's parameters hold the gain as one row of padded units, followed directly by the bias.

use super::Activation;
use super::build::{Builder, TensorShape};
use super::tensor::Init;
use super::value::{Value, ValueId};
use crate::error::Error;

/// A layer normalisation: the tensors that it multiplies by and adds. Mean and variance are over the units of a position.
/// The variance is the mean of the squares, as in PyTorch's `nn.LayerNorm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerNorm {
    /// The index in [`super::Network::tensors`] of the gain `[units]`; the bias `[units]` follows.
    pub(crate) gain: usize,
}

impl LayerNorm {
    /// The term that keeps the square root from zero; the default of PyTorch's `nn.LayerNorm`.
    pub const EPSILON: f32 = 1e-5;

    /// Adds the value and the tensors of a normalisation. The gain begins at 1, the bias at 0.
    ///
    /// # Errors
    /// An input that holds two copies of its units.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        activation: Activation,
    ) -> Result<(Self, ValueId), Error> {
        let read = network.value(input);
        read.check_one_copy("input of layer-norm")?;
        let output = network.add_value(Value { activation, ..read });
        let mut row = |name, init| {
            network.add_tensor(TensorShape {
                name,
                shape: vec![read.units],
                rows: 1,
                copies: 1,
                columns: read.padded_units(),
                init,
            })
        };
        let gain = row("weight", Init::One)?;
        row("bias", Init::Zero)?;
        Ok((Self { gain }, output))
    }
}
