//! Networks as a list of operations, each of which reads the value before it.

use super::build::Builder;
use super::input::{InputShape, describe};
use super::patches::Patches;
use super::pool::{Pool, PoolKind};
use super::value::{Value, ValueId};
use super::window::{Window, Windows};
use super::{
    Activation, Add, Attention, LayerNorm, Linear, Network, Op, PositionEmbedding, check_width,
};
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
    /// The layer normalisation of the value before it, over the units of each position.
    LayerNorm,
    /// The sum of the value before it and of a parameter for each position and unit.
    PositionEmbedding,
    /// Self-attention with so many heads over the positions of the value before it, whose units are queries, keys and
    /// values, one after another.
    Attention(u32),
    /// A convolution with so many output channels. Its weight is `[channels, input channels, kernel, kernel]`; the border is
    /// zero.
    Conv(u32, Window),
    /// All elements of an image in one vector, in the order `[channels, height, width]`.
    Flatten,
    /// A pool of an image, each channel by itself.
    Pool(PoolKind, Window),
    /// The mean of each channel over all positions.
    GlobalAveragePool,
}

/// The largest number of items.
const MOST_ITEMS: usize = 1024;

impl Network {
    /// A network whose operations follow one another, from the input to the logits. Linear operations are `fc1`, `fc2`
    /// and so on, convolutions `conv1`, normalisations `norm1`, position embeddings `position1`. On an image, a linear
    /// operation acts at every position.
    ///
    /// # Errors
    /// A list that is empty or longer than 1,024 items, that does not end with a linear operation of 2 classes at least,
    /// or that has a width of zero, an activation without a value, a sum of values of different shapes, a normalisation or
    /// a position embedding of a value of two copies, attention whose heads do not divide its width, a convolution of a
    /// vector or of an image that is too small, or logits at more than one position; more than 2^31 elements.
    pub fn sequence(input: impl Into<InputShape>, items: &[Item]) -> Result<Self, Error> {
        match items.last() {
            Some(Item::Linear(2..)) if items.len() <= MOST_ITEMS => {}
            last => {
                let wanted = "1,024 items at most, a linear operation of 2 classes at least last";
                let found = format!("{} items, {last:?} last", items.len());
                return Err(Error::invalid("items of a network", wanted, found));
            }
        }
        let mut sequence = Sequence::new(input.into(), items)?;
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
        let logits = sequence.builder.value(sequence.builder.last_value());
        if logits.positions() != 1 {
            let wanted = "logits of one position (flatten before the last item)";
            return Err(Error::invalid(
                "items of a network",
                wanted,
                describe(&logits),
            ));
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
    norms: usize,
    positions: usize,
    convolutions: usize,
}

impl Sequence {
    fn new(input: InputShape, items: &[Item]) -> Result<Self, Error> {
        let mut sequence = Self {
            builder: Builder::new(input)?,
            after: vec![Some(ValueId(0))],
            linears: 0,
            norms: 0,
            positions: 0,
            convolutions: 0,
        };
        sequence.add_positions(input, items)?;
        Ok(sequence)
    }

    /// Gives an image its positions, unless the first item alone reads it and takes the minibatch as it is.
    fn add_positions(&mut self, input: InputShape, items: &[Item]) -> Result<(), Error> {
        let takes_planes = matches!(items.first(), Some(Item::Conv(..) | Item::Flatten));
        match input.image() {
            Some([channels, height, width]) if !takes_planes || items.contains(&Item::Add(0)) => {
                let windows = Windows::single([height, width]);
                let builder = &mut self.builder;
                let image = Patches::add(builder, ValueId(0), windows, channels, "the input")?;
                self.after[0] = Some(image);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The value that the next item reads, as an image: the minibatch has a grid for the first item only.
    fn image(&self, input: ValueId) -> Value {
        let value = self.builder.value(input);
        match self.builder.input.image() {
            Some([units, height, width]) if self.after.len() == 1 && input == ValueId(0) => Value {
                units,
                grid: [height, width],
                ..value
            },
            _ => value,
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
            Item::LayerNorm => {
                self.check_one_copy(item)?;
                self.norms += 1;
                let name = format!("norm{}", self.norms);
                self.builder.add_node(name, input, |network| {
                    let (norm, output) = LayerNorm::add(network, input, activation)?;
                    Ok((Op::LayerNorm(norm), output))
                })
            }
            Item::PositionEmbedding => {
                self.check_one_copy(item)?;
                self.positions += 1;
                let name = format!("position{}", self.positions);
                self.builder.add_node(name, input, |network| {
                    let (embedding, output) = PositionEmbedding::add(network, input, activation)?;
                    Ok((Op::PositionEmbedding(embedding), output))
                })
            }
            Item::Attention(heads) => {
                let place = self.place(item);
                Attention::add(&mut self.builder, input, heads, activation, &place)
            }
            Item::Conv(channels, window) => self.convolve(item, channels, window, activation),
            Item::Flatten => self.flatten(item, activation),
            Item::Pool(kind, window) => {
                let (value, place) = (self.builder.value(input), self.place(item));
                let windows = Windows::over(&value, window, window.kernel / 2, &place)?;
                Ok(Pool::add(
                    &mut self.builder,
                    input,
                    kind,
                    windows,
                    activation,
                ))
            }
            Item::GlobalAveragePool => {
                let value = self.builder.value(input);
                let windows = Windows::all(&value, &self.place(item))?;
                let kind = PoolKind::Average;
                Ok(Pool::add(
                    &mut self.builder,
                    input,
                    kind,
                    windows,
                    activation,
                ))
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

    fn convolve(
        &mut self,
        item: &Item,
        channels: u32,
        window: Window,
        activation: Activation,
    ) -> Result<ValueId, Error> {
        check_width(channels)?;
        let (input, place) = (self.builder.last_value(), self.place(item));
        let image = self.image(input);
        let widest = window.kernel.saturating_sub(1);
        let windows = Windows::over(&image, window, widest, &place)?;
        let is_linear = windows.are_single() && image == self.builder.value(input);
        let patches = match is_linear {
            true => input,
            false => Patches::add(&mut self.builder, input, windows, image.width(), &place)?,
        };
        self.convolutions += 1;
        let name = format!("conv{}", self.convolutions);
        let [height, width] = windows.size;
        self.builder.add_node(name, patches, |network| {
            let shape = vec![channels, image.width(), height, width];
            let (linear, output) = Linear::add_shaped(network, patches, shape, activation)?;
            Ok((Op::Linear(linear), output))
        })
    }

    fn flatten(&mut self, item: &Item, activation: Activation) -> Result<ValueId, Error> {
        let (input, place) = (self.builder.last_value(), self.place(item));
        if activation != Activation::Identity {
            let wanted = format!("an activation before {place}");
            let found = format!("{activation:?} after it");
            return Err(Error::invalid("items of a network", wanted, found));
        }
        let value = self.builder.value(input);
        // A vector is flat, as the minibatch is.
        if value.positions() == 1 {
            return Ok(input);
        }
        let windows = Windows::whole(value.grid);
        Patches::add(&mut self.builder, input, windows, value.width(), &place)
    }

    /// Refuses an item whose input holds two copies of its units.
    fn check_one_copy(&self, item: &Item) -> Result<(), Error> {
        let input = self.builder.value(self.builder.last_value());
        if input.copies() == 1 {
            return Ok(());
        }
        let (number, units) = (self.after.len(), input.units);
        let wanted = format!("1 x {units} (copies x units) before item {number}, {item}");
        let found = format!(
            "{} x {units}, which {:?} makes",
            input.copies(),
            input.activation
        );
        Err(Error::invalid("items of a network", wanted, found))
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

    fn parse(items: &[&str]) -> Vec<Item> {
        items.iter().map(|item| item.parse().unwrap()).collect()
    }

    fn shapes(network: &Network) -> Vec<(u32, [u32; 2])> {
        let values = network.values().iter();
        values.map(|value| (value.units, value.grid)).collect()
    }

    #[test]
    fn a_convolution_is_a_linear_operation_on_patches() {
        let items = parse(&[
            "conv 6 kernel 5 stride 2 padding 1",
            "crelu",
            "conv 4 kernel 1",
            "flatten",
            "linear 10",
        ]);
        let network = Network::sequence([3, 8, 9], &items).unwrap();
        let wanted = [
            (3 * 8 * 9, [1, 1]),
            (3 * 25, [3, 4]),
            (6, [3, 4]),
            (4, [3, 4]),
            (4 * 12, [1, 1]),
            (10, [1, 1]),
        ];
        assert_eq!(shapes(&network), wanted);
        let tensors = network.tensors().iter();
        let tensors = tensors.map(|tensor| (&tensor.name[..], &tensor.shape[..]));
        let wanted: [(_, &[u32]); 6] = [
            ("conv1.weight", &[6, 3, 5, 5]),
            ("conv1.bias", &[6]),
            ("conv2.weight", &[4, 12, 1, 1]),
            ("conv2.bias", &[4]),
            ("fc1.weight", &[10, 48]),
            ("fc1.bias", &[10]),
        ];
        assert_eq!(tensors.collect::<Vec<_>>(), wanted);
    }

    /// A pool has the copies of an image as channels, and leaves out what no whole window holds.
    #[test]
    fn pools_have_windows_that_fit() {
        let items = [
            "conv 3 kernel 1",
            "crelu",
            "max-pool 3 stride 2 padding 1",
            "tanh",
            "average-pool 2",
            "global-average-pool",
            "linear 4",
        ];
        let network = Network::sequence([2, 7, 10], &parse(&items)).unwrap();
        let wanted = [
            (3, [7, 10]),
            (6, [4, 5]),
            (6, [2, 2]),
            (6, [1, 1]),
            (4, [1, 1]),
        ];
        assert_eq!(shapes(&network)[2..], wanted);
        assert_eq!(network.values()[3].activation, Activation::Tanh);
    }

    /// An image has positions where an item needs them; a vector needs no flattening.
    #[test]
    fn the_minibatch_becomes_an_image_where_it_must() {
        let values = |items: &[&str]| {
            let network = Network::sequence([2, 3, 4], &parse(items)).unwrap();
            network.values().len()
        };
        assert_eq!(values(&["flatten", "linear 2"]), 2);
        assert_eq!(values(&["flatten", "linear 3", "flatten", "linear 2"]), 3);
        assert_eq!(values(&["linear 5", "flatten", "linear 2"]), 5);
        let residual = ["conv 2 kernel 3 padding 1", "add 0", "flatten", "linear 2"];
        assert_eq!(values(&residual), 7);
        let mlp = Network::mlp(&[5, 2], Activation::Identity).unwrap();
        let vector = Network::sequence(5, &parse(&["flatten", "linear 2"])).unwrap();
        assert_eq!(vector, mlp);
    }

    #[test]
    fn images_that_do_not_fit_are_refused() {
        for (items, wanted) in [
            (
                &["flatten", "conv 6 kernel 2", "linear 2"][..],
                "an image (channels x height x width) for item 2 (conv 6 kernel 2), found a vector of 40",
            ),
            (
                &[
                    "conv 6 kernel 3",
                    "crelu",
                    "conv 6 kernel 5 padding 1",
                    "linear 2",
                ],
                "an image that holds 5 x 5 for item 3 (conv 6 kernel 5 padding 1), \
                 found 2 x 6 x 2 x 3 with a padding of 1",
            ),
            (
                &["conv 6 kernel 2 padding 2", "linear 2"],
                "a padding of 1 at most for item 1 (conv 6 kernel 2 padding 2), found 2",
            ),
            (
                &["conv 6 kernel 2 stride 0", "linear 2"],
                "a kernel and a stride of 1 to 65,535 for item 1 (conv 6 kernel 2 stride 0), \
                 found a kernel of 2 with a stride of 0",
            ),
            (
                &["conv 6 kernel 2", "flatten", "relu", "linear 2"],
                "an activation before item 2 (flatten), found Relu after it",
            ),
            (
                &["conv 6 kernel 2", "linear 2"],
                "logits of one position (flatten before the last item), found 2 x 3 x 4",
            ),
            (
                &["max-pool 3 padding 2", "linear 2"],
                "a padding of 1 at most for item 1 (max-pool 3 padding 2), found 2",
            ),
            (
                &["average-pool 7", "linear 2"],
                "an image that holds 7 x 7 for item 1 (average-pool 7), \
                 found 2 x 4 x 5 with a padding of 0",
            ),
            (
                &["flatten", "global-average-pool", "linear 2"],
                "an image (channels x height x width) for item 2 (global-average-pool), \
                 found a vector of 40",
            ),
            (
                &["linear 2"],
                "logits of one position (flatten before the last item), found 2 x 4 x 5",
            ),
        ] {
            let error = Network::sequence([2, 4, 5], &parse(items)).unwrap_err();
            let wanted = format!("items of a network: wanted {wanted}");
            assert_eq!(error.to_string(), wanted, "{items:?}");
        }
        let refusal = |shape: [u32; 3]| {
            let error = Network::sequence(shape, &parse(&["flatten", "linear 2"])).unwrap_err();
            error.to_string()
        };
        let wanted = "an image as input: wanted 1 to 1,048,576 elements, found ";
        assert_eq!(refusal([3, 0, 4]), format!("{wanted}3 x 0 x 4"));
        assert_eq!(
            refusal([1 << 11, 1 << 11, 1 << 11]),
            format!("{wanted}2048 x 2048 x 2048")
        );
        let wide = parse(&[
            "conv 2 kernel 3 padding 1",
            "conv 2 kernel 1",
            "flatten",
            "linear 2",
        ]);
        let wide = Network::sequence([1 << 17, 2, 4], &wide).unwrap_err();
        let wanted = "items of a network: wanted patches of 1,048,576 elements at most for item 1 \
                      (conv 2 kernel 3 padding 1), found 1179648 of a vector of 1048576";
        assert_eq!(wide.to_string(), wanted);
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
