//! Hidden layers whose units can be renewed one by one: values that linear operations alone make and read.

use super::{Network, Node, Op, ValueId};
use crate::state::HiddenLayer;

impl Network {
    /// The hidden layers, in the order of their values, if every hidden value is made by a linear operation, is read by
    /// linear operations alone, and has one position. The network is then a chain of linear operations.
    ///
    /// # Errors
    /// Returns a text that names the first hidden value of another kind, or says that there is no hidden value.
    pub(crate) fn hidden_layers(&self) -> Result<Vec<(ValueId, HiddenLayer)>, String> {
        let mut layers: Vec<(ValueId, HiddenLayer)> = Vec::new();
        for (node, reader) in self.nodes.iter().zip(self.nodes.iter().skip(1)) {
            let value = self.value(node.output);
            let makes = |node: &Node| match node.op {
                Op::Linear(linear) => Ok(linear.weight as u32),
                _ => Err(self.describe(node)),
            };
            let number = node.output.index();
            let incoming = makes(node).map_err(|op| format!("value {number}, which {op} makes"))?;
            let outgoing =
                makes(reader).map_err(|op| format!("value {number}, which {op} reads"))?;
            if value.positions() != 1 {
                let positions = value.positions();
                return Err(format!("value {number}, which has {positions} positions"));
            }
            let first_unit = layers
                .last()
                .map_or(0, |(_, last)| last.first_unit + last.units);
            let layer = HiddenLayer {
                first_unit,
                units: value.units,
                incoming,
                outgoing,
            };
            layers.push((node.output, layer));
        }
        match layers.is_empty() {
            true => Err("no hidden value".to_owned()),
            false => Ok(layers),
        }
    }

    /// A node's operation, with the name of its block where it has one.
    fn describe(&self, node: &Node) -> String {
        let op = match node.op {
            Op::Linear(_) => "a linear operation",
            Op::Add(_) => "a sum",
            Op::LayerNorm(_) => "a layer normalisation",
            Op::PositionEmbedding(_) => "a position embedding",
            Op::Attention(_) => "attention",
            Op::Patches(_) => "a convolution or flattening",
            Op::Pool(pool)
                if pool.windows.are_single() && self.value(node.inputs[0]).copies() > 1 =>
            {
                "a joining of copies"
            }
            Op::Pool(_) => "a pool",
        };
        match node.block {
            Some(block) => format!("{op} ({})", self.blocks[block].name),
            None => op.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::network::{Activation, Item, Network};

    #[test]
    fn a_perceptron_has_a_layer_for_each_hidden_value() {
        let network = Network::mlp(&[7, 5, 3, 2], Activation::Crelu).unwrap();
        let layers = network.hidden_layers().unwrap().into_iter();
        let found: Vec<_> = layers
            .map(|(id, l)| (id.index(), l.first_unit, l.units, l.incoming, l.outgoing))
            .collect();
        assert_eq!(found, [(1, 0, 5, 0, 2), (2, 5, 3, 2, 4)]);
    }

    #[test]
    fn other_networks_are_refused_with_the_place() {
        use Item::{Activation as F, Add, LayerNorm, Linear};
        let relu = || F(Activation::Relu);
        for (items, wanted) in [
            (vec![Linear(2)], "no hidden value"),
            (
                vec![Linear(5), LayerNorm, relu(), Linear(2)],
                "value 1, which a layer normalisation (norm1) reads",
            ),
            (
                vec![LayerNorm, Linear(5), relu(), Linear(2)],
                "value 1, which a layer normalisation (norm1) makes",
            ),
            (
                vec![Linear(5), relu(), Linear(5), Add(2), relu(), Linear(2)],
                "value 2, which a sum reads",
            ),
            (
                vec![Linear(5), F(Activation::Crelu), LayerNorm, Linear(2)],
                "value 1, which a joining of copies reads",
            ),
        ] {
            let network = Network::sequence(4, &items).unwrap();
            assert_eq!(network.hidden_layers().unwrap_err(), wanted, "{items:?}");
        }
    }
}
