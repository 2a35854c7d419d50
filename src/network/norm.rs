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
    /// The input holds one copy of its units.
    ///
    /// # Errors
    /// More than 2^31 stored elements in all.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        activation: Activation,
    ) -> Result<(Self, ValueId), Error> {
        let read = network.value(input);
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

#[cfg(test)]
mod tests {
    use crate::network::Activation::{Crelu, Identity, Relu};
    use crate::network::Item::{Activation as F, LayerNorm, Linear};
    use crate::network::Network;

    #[test]
    fn a_normalisation_has_a_gain_and_a_bias_and_the_activation_that_follows() {
        let items = [
            Linear(5),
            LayerNorm,
            F(Crelu),
            Linear(3),
            LayerNorm,
            Linear(2),
        ];
        let network = Network::sequence(4, &items).unwrap();
        let blocks = network.blocks().iter().map(|block| &block.name[..]);
        let wanted = ["fc1", "norm1", "fc2", "norm2", "fc3"];
        assert_eq!(blocks.collect::<Vec<_>>(), wanted);
        let [gain, bias] = network.block_tensors(1) else {
            panic!("two tensors");
        };
        assert_eq!(
            (&gain.name[..], &gain.shape[..]),
            ("norm1.weight", &[5][..])
        );
        assert_eq!((&bias.name[..], &bias.shape[..]), ("norm1.bias", &[5][..]));
        assert_eq!([gain.layout.constant, bias.layout.constant], [1.0, 0.0]);
        assert_eq!(bias.layout.start, gain.layout.start + 8);
        let activations = network.values().iter().map(|value| value.activation);
        let wanted = [Identity, Identity, Crelu, Identity, Identity, Identity];
        assert_eq!(activations.collect::<Vec<_>>(), wanted);
        assert!(Network::sequence(4, &[LayerNorm, F(Relu), Linear(2)]).is_ok());
    }
}
