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

#[cfg(test)]
mod tests {
    use crate::network::{Item, Network};

    #[test]
    fn an_embedding_has_a_padded_row_for_each_position() {
        let items = [
            "conv 3 kernel 1",
            "position-embedding",
            "flatten",
            "linear 2",
        ];
        let items: Vec<Item> = items.map(|item| item.parse().unwrap()).to_vec();
        let network = Network::sequence([1, 2, 2], &items).unwrap();
        let tensor = &network.tensors()[2];
        assert_eq!(
            (&tensor.name[..], &tensor.shape[..]),
            ("position1.weight", &[4, 3][..])
        );
        assert_eq!((tensor.stored().len(), tensor.count()), (16, 12));
        let wanted = [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14];
        let places = tensor.indices().map(|index| index - tensor.stored().start);
        assert_eq!(places.collect::<Vec<_>>(), wanted);
        let bound = tensor.layout.bound;
        assert!((bound * bound / 3.0 - 0.02 * 0.02).abs() < 1e-9, "{bound}");
    }
}
