//! Networks as a list of operations, each of which reads the value before it.

use super::build::Builder;
use super::value::{Value, ValueId};
use super::{Activation, Add, Attention, Linear, Network, Op, check_width};
use crate::error::Error;

/// One item of [`Network::sequence`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A linear operation that makes a value of so many units.
    Linear(u32),
    /// The nonlinearity of the value before it, which has none yet.
    Activation(Activation),
    /// The sum of the value before it and of an earlier one: the value after this number of items, 0 for the input.
    Add(usize),
    /// Self-attention with so many heads over the positions of the value before it, whose units are queries, keys and
    /// values, one after another.
    Attention(u32),
}

/// The largest number of items.
const MOST_ITEMS: usize = 1024;

impl Network {
    /// A network whose operations follow one another, from the input to the logits. Linear operations are `fc1`, `fc2`
    /// and so on.
    ///
    /// # Errors
    /// A list that is empty or longer than 1,024 items, that does not end with a linear operation of 2 classes at least,
    /// or that has a width of zero, an activation without a value, a sum of values of different shapes, or attention whose
    /// heads do not divide its width; more than 2^31 elements.
    pub fn sequence(inputs: u32, items: &[Item]) -> Result<Self, Error> {
        check_width(inputs)?;
        match items.last() {
            Some(Item::Linear(2..)) if items.len() <= MOST_ITEMS => {}
            last => {
                let wanted = "1,024 items at most, a linear operation of 2 classes at least last";
                let found = format!("{} items, {last:?} last", items.len());
                return Err(Error::invalid("items of a network", wanted, found));
            }
        }
        let mut sequence = Sequence::new(inputs);
        let mut rest = items.iter().peekable();
        while let Some(item) = rest.next() {
            let activation = match rest.peek() {
                Some(Item::Activation(activation)) => Some(*activation),
                _ => None,
            };
            rest.next_if(|_| activation.is_some());
            let output = sequence.push(item, activation.unwrap_or(Activation::Identity))?;
            // The value before an activation is not stored.
            sequence.after.extend(activation.map(|_| None));
            sequence.after.push(Some(output));
        }
        Ok(sequence.builder.finish())
    }
}

/// A sequence under construction.
struct Sequence {
    builder: Builder,
    /// The value after each number of items; `None` where an activation follows.
    after: Vec<Option<ValueId>>,
    linears: usize,
}

impl Sequence {
    fn new(inputs: u32) -> Self {
        Self {
            builder: Builder::new(Value::vector(inputs, Activation::Identity)),
            after: vec![Some(ValueId(0))],
            linears: 0,
        }
    }

    /// The name of the item that is added, for messages.
    fn place(&self, item: &Item) -> String {
        format!("item {} ({item})", self.after.len())
    }

    /// Adds an item and returns its value.
    fn push(&mut self, item: &Item, activation: Activation) -> Result<ValueId, Error> {
        let input = self.builder.last_value();
        match *item {
            Item::Linear(units) => {
                check_width(units)?;
                self.linears += 1;
                let name = format!("fc{}", self.linears);
                self.builder.add_node(name, input, |network| {
                    let (linear, output) = Linear::add(network, input, units, activation)?;
                    Ok((Op::Linear(linear), output))
                })
            }
            Item::Add(from) => {
                let terms = [input, self.value_after(from)?];
                let output = Add::add(&mut self.builder, terms, activation)?;
                self.builder.add_plain(Op::Add(Add), terms.to_vec(), output);
                Ok(output)
            }
            Item::Attention(heads) => {
                let place = self.place(item);
                Attention::add(&mut self.builder, input, heads, activation, &place)
            }
            Item::Activation(activation) => {
                let wanted = format!("an operation before {activation:?}");
                let found = match self.after.len() {
                    1 => "the input",
                    _ => "another activation",
                };
                Err(Error::invalid("items of a network", wanted, found))
            }
        }
    }

    fn value_after(&self, items: usize) -> Result<ValueId, Error> {
        let found = match self.after.get(items) {
            Some(Some(value)) => return Ok(*value),
            Some(None) => format!("item {items}, whose value exists after its activation only"),
            None => format!("item {items}, which is not before it"),
        };
        let wanted = "the number of an earlier item, or 0 for the input";
        Err(Error::invalid("a term of a sum", wanted, found))
    }
}

#[cfg(test)]
mod tests {
    use super::Item::{Activation as F, Add, Attention, Linear};
    use super::*;
    use Activation::{Crelu, Gelu, Relu};

    #[test]
    fn a_perceptron_is_a_sequence() {
        let items = [Linear(5), F(Crelu), Linear(4), F(Crelu), Linear(3)];
        let mlp = Network::mlp(&[7, 5, 4, 3], Crelu).unwrap();
        assert_eq!(Network::sequence(7, &items).unwrap(), mlp);
    }

    #[test]
    fn a_sum_reads_two_values_and_has_no_block() {
        let items = [Linear(5), F(Gelu), Linear(5), Add(2), F(Relu), Linear(3)];
        let network = Network::sequence(4, &items).unwrap();
        assert_eq!(network.blocks().len(), 3);
        let [first, second, sum, last] = network.nodes() else {
            panic!("four nodes");
        };
        assert_eq!((sum.block, &sum.op), (None, &Op::Add(super::Add)));
        assert_eq!(sum.inputs, [second.output, first.output]);
        assert!(network.is_read_after(second, first.output));
        assert!(!network.is_read_after(sum, first.output));
        let reached = network
            .nodes()
            .iter()
            .map(|node| network.blocks_up_to(node.output));
        assert_eq!(reached.collect::<Vec<_>>(), [1, 2, 2, 3]);
        assert_eq!(network.value(sum.output).activation, Relu);
        assert_eq!(network.value(last.output).units, 3);
    }

    #[test]
    fn attention_makes_a_third_of_the_units_and_has_no_block() {
        let items = [Linear(12), Attention(2), F(Gelu), Linear(3)];
        let network = Network::sequence(4, &items).unwrap();
        let node = &network.nodes()[1];
        assert_eq!(node.op, Op::Attention(super::Attention { heads: 2 }));
        assert_eq!((node.block, network.blocks().len()), (None, 2));
        let made = network.value(node.output);
        assert_eq!((made.units, made.activation), (4, Gelu));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refusal = |items: &[Item]| Network::sequence(4, items).unwrap_err().to_string();
        let shapes =
            "terms of a sum: wanted values of one shape, of one copy each (copies x units), found ";
        let items = "items of a network: wanted ";
        let term = "a term of a sum: wanted the number of an earlier item, or 0 for the input, found item ";
        for (items, wanted) in [
            (
                &[Linear(5), Add(0), Linear(2)][..],
                format!("{shapes}1 x 5 and 1 x 4"),
            ),
            (
                &[Linear(4), F(Crelu), Linear(4), Add(2), Linear(2)],
                format!("{shapes}1 x 4 and 2 x 4"),
            ),
            (
                &[Linear(4), F(Relu), Linear(4), Add(1), Linear(2)],
                format!("{term}1, whose value exists after its activation only"),
            ),
            (
                &[Linear(4), Add(3), Linear(2)],
                format!("{term}3, which is not before it"),
            ),
            (
                &[Linear(4), Add(1), Linear(2)],
                "terms of a sum: wanted two values, found one value twice".to_owned(),
            ),
            (
                &[Linear(12), Attention(3), Linear(2)],
                format!("{items}a width that the heads of item 2 (attention 3) divide, found 4"),
            ),
            (
                &[Linear(4), F(Gelu), Attention(1), Linear(2)],
                format!(
                    "{items}3 x width units for item 3 (attention 1): queries, keys and values, found 4"
                ),
            ),
            (
                &[Linear(6), F(Crelu), Attention(2), Linear(2)],
                format!(
                    "{items}one copy of the units for item 3 (attention 2), found 2 of 6, by Crelu"
                ),
            ),
            (
                &[Linear(6), Attention(0), Linear(2)],
                format!("{items}1 head at least for item 2 (attention 0), found 0"),
            ),
            (
                &[F(Relu), Linear(2)],
                "items of a network: wanted an operation before Relu, found the input".to_owned(),
            ),
            (
                &[Linear(4), F(Relu), F(Gelu), Linear(2)],
                "items of a network: wanted an operation before Gelu, found another activation"
                    .to_owned(),
            ),
        ] {
            assert_eq!(refusal(items), wanted, "{items:?}");
        }
        for items in [
            &[][..],
            &[Linear(1)],
            &[Linear(3), F(Relu)],
            &[Linear(0), Linear(2)],
        ] {
            refusal(items);
        }
    }
}
