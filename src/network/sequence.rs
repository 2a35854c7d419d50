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
    /// or that has a width of zero, an activation without a value, a sum of values of different shapes, attention whose heads
    /// do not divide its width, a convolution of a vector or of an image that is too small, or logits at more than one
    /// position; more than 2^31 elements.
    pub fn sequence(input: impl Into<InputShape>, items: &[Item]) -> Result<Self, Error> {
        let refuse =
            |wanted: &str, found: String| Err(Error::invalid("items of a network", wanted, found));
        if items.len() > MOST_ITEMS {
            return refuse("1,024 at most", items.len().to_string());
        }
        let wanted = "a linear operation of 2 classes at least last";
        match items.last() {
            Some(Item::Linear(2..)) => {}
            Some(last) => return refuse(wanted, format!("{last} last")),
            None => return refuse(wanted, "none".to_owned()),
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
            return refuse(wanted, describe(&logits));
        }
        Ok(sequence.builder.finish())
    }
}

/// A sequence under construction.
struct Sequence {
    builder: Builder,
    /// The value after each number of items; `None` where an activation follows.
    after: Vec<Option<ValueId>>,
    /// The values of two copies that have been joined, each with what it became.
    joined: Vec<(ValueId, ValueId)>,
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
            joined: Vec::new(),
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
                let term = self.value_after(from)?;
                let terms = [self.joined(input)?, self.joined(term)?];
                let output = Add::add(&mut self.builder, terms, activation)?;
                self.builder.add_plain(Op::Add(Add), terms.to_vec(), output);
                Ok(output)
            }
            Item::LayerNorm => {
                let input = self.joined(input)?;
                self.norms += 1;
                let name = format!("norm{}", self.norms);
                self.builder.add_node(name, input, |network| {
                    let (norm, output) = LayerNorm::add(network, input, activation)?;
                    Ok((Op::LayerNorm(norm), output))
                })
            }
            Item::PositionEmbedding => {
                let input = self.joined(input)?;
                self.positions += 1;
                let name = format!("position{}", self.positions);
                self.builder.add_node(name, input, |network| {
                    let (embedding, output) = PositionEmbedding::add(network, input, activation)?;
                    Ok((Op::PositionEmbedding(embedding), output))
                })
            }
            Item::Attention(heads) => {
                let (input, place) = (self.joined(input)?, self.place(item));
                Attention::add(&mut self.builder, input, heads, activation, &place)
            }
            Item::Conv(channels, window) => self.convolve(item, channels, window, activation),
            Item::Flatten => self.flatten(item, activation),
            Item::Pool(kind, window) => {
                let (value, place) = (self.builder.value(input), self.place(item));
                let windows = Windows::over(&value, window, window.kernel / 2, &place)?;
                Pool::add(&mut self.builder, input, kind, windows, activation)
            }
            Item::GlobalAveragePool => {
                let value = self.builder.value(input);
                let windows = Windows::all(&value, &self.place(item))?;
                let kind = PoolKind::Average;
                Pool::add(&mut self.builder, input, kind, windows, activation)
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

    /// A value as one copy of its units, for operations that take no more. The two copies that an activation makes become
    /// units of one, those of the first before those of the second: a pool has its copies as channels, and windows of one
    /// position change nothing else.
    fn joined(&mut self, id: ValueId) -> Result<ValueId, Error> {
        let value = self.builder.value(id);
        if value.copies() == 1 {
            return Ok(id);
        }
        let known = self.joined.iter().find(|(of, _)| *of == id);
        if let Some((_, joined)) = known {
            return Ok(*joined);
        }
        let windows = Windows::single(value.grid);
        let (kind, activation) = (PoolKind::Average, Activation::Identity);
        let joined = Pool::add(&mut self.builder, id, kind, windows, activation)?;
        self.joined.push((id, joined));
        Ok(joined)
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
mod tests;
