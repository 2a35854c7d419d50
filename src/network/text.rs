//! The text form of an item, in which experiment files and references list networks: `linear 120`, `relu`, `add 2`.

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};

use super::{Activation, Item, PoolKind, Window};
use crate::error::Error;

impl FromStr for Item {
    type Err = Error;

    /// Reads an item. The name of an activation is an item, and `linear`, `add` and `attention` have a number after them. A
    /// convolution is `conv CHANNELS kernel SIZE`, a pool `max-pool SIZE` or `average-pool SIZE`, with `stride` and `padding`
    /// after it where they are not the usual ones: 1, or the size of a pool, and 0.
    ///
    /// # Errors
    /// An unknown name, and a number that is missing, is none, or is not wanted.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut words = Words::new(text);
        let item = match words.next() {
            "linear" => Self::Linear(words.number("a width")?),
            "add" => Self::Add(words.number("a number of items")?),
            "layer-norm" => Self::LayerNorm,
            "position-embedding" => Self::PositionEmbedding,
            "attention" => Self::Attention(words.number("a number of heads")?),
            "conv" => Self::Conv(words.number("a number of channels")?, words.kernel()?),
            "flatten" => Self::Flatten,
            "max-pool" => words.pool(PoolKind::Maximum)?,
            "average-pool" => words.pool(PoolKind::Average)?,
            "global-average-pool" => Self::GlobalAveragePool,
            name => Self::Activation(words.activation(name)?),
        };
        words.end()?;
        Ok(item)
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear(units) => write!(f, "linear {units}"),
            Self::Add(items) => write!(f, "add {items}"),
            Self::LayerNorm => f.write_str("layer-norm"),
            Self::PositionEmbedding => f.write_str("position-embedding"),
            Self::Attention(heads) => write!(f, "attention {heads}"),
            Self::Conv(channels, window) => {
                write!(f, "conv {channels} kernel {}", window.kernel)?;
                steps(f, window, 1)
            }
            Self::Flatten => f.write_str("flatten"),
            Self::Pool(kind, window) => {
                let name = match kind {
                    PoolKind::Average => "average-pool",
                    PoolKind::Maximum => "max-pool",
                };
                write!(f, "{name} {}", window.kernel)?;
                steps(f, window, window.kernel)
            }
            Self::GlobalAveragePool => f.write_str("global-average-pool"),
            Self::Activation(activation) => activation.serialize(f),
        }
    }
}

/// The words with which an item may begin, as a refusal tells them.
const FIRST_WORD: &str = "an operation (linear, conv, max-pool, average-pool, global-average-pool, flatten, layer-norm, \
    position-embedding, attention, add) or an activation";

/// Writes the stride of a window, unless it is the usual one, and its padding, unless it has none.
fn steps(f: &mut fmt::Formatter<'_>, window: &Window, stride: u32) -> fmt::Result {
    if window.stride != stride {
        write!(f, " stride {}", window.stride)?;
    }
    match window.padding {
        0 => Ok(()),
        padding => write!(f, " padding {padding}"),
    }
}

/// The words of an item's text.
struct Words<'a> {
    text: &'a str,
    rest: SplitWhitespace<'a>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        let rest = text.split_whitespace();
        Self { text, rest }
    }

    /// The next word; empty after the last.
    fn next(&mut self) -> &'a str {
        self.rest.next().unwrap_or_default()
    }

    /// The next word as a number.
    fn number<N: FromStr>(&mut self, wanted: &str) -> Result<N, Error> {
        let word = self.next();
        word.parse().map_err(|_| self.error(wanted))
    }

    /// The next word and the number after it, where the word is `name`; else nothing.
    fn option(&mut self, name: &str) -> Result<Option<u32>, Error> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some(name) {
            return Ok(None);
        }
        self.rest = ahead;
        self.number(&format!("a number after {name}")).map(Some)
    }

    /// The window of a convolution: `kernel 5 [stride 1] [padding 0]`.
    fn kernel(&mut self) -> Result<Window, Error> {
        let kernel = self.option("kernel")?;
        let kernel = kernel.ok_or_else(|| self.error("the word kernel and a number"))?;
        self.window(kernel, 1)
    }

    /// A pool: the size of its window, then `[stride] [padding]`. Windows do not overlap where there is no stride.
    fn pool(&mut self, kind: PoolKind) -> Result<Item, Error> {
        let kernel = self.number("a size")?;
        Ok(Item::Pool(kind, self.window(kernel, kernel)?))
    }

    /// The rest of a window: `[stride S] [padding 0]`, where S is the usual stride.
    fn window(&mut self, kernel: u32, stride: u32) -> Result<Window, Error> {
        Ok(Window {
            kernel,
            stride: self.option("stride")?.unwrap_or(stride),
            padding: self.option("padding")?.unwrap_or(0),
        })
    }

    fn activation(&self, name: &str) -> Result<Activation, Error> {
        let found: Result<_, NameError> = Activation::deserialize(name.into_deserializer());
        found.map_err(|_| self.error(FIRST_WORD))
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.next() {
            "" => Ok(()),
            _ => Err(self.error("no further word")),
        }
    }

    fn error(&self, wanted: &str) -> Error {
        Error::invalid("item of a network", wanted, format!("{:?}", self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: u32, stride: u32, padding: u32) -> Window {
        Window {
            kernel,
            stride,
            padding,
        }
    }

    #[test]
    fn items_are_read_and_written_alike() {
        for (text, wanted) in [
            ("linear 120", Item::Linear(120)),
            ("add 0", Item::Add(0)),
            ("layer-norm", Item::LayerNorm),
            ("position-embedding", Item::PositionEmbedding),
            ("attention 4", Item::Attention(4)),
            ("leaky-relu", Item::Activation(Activation::LeakyRelu)),
            ("flatten", Item::Flatten),
            ("max-pool 2", Item::Pool(PoolKind::Maximum, window(2, 2, 0))),
            (
                "average-pool 3 stride 1 padding 1",
                Item::Pool(PoolKind::Average, window(3, 1, 1)),
            ),
            ("global-average-pool", Item::GlobalAveragePool),
            ("conv 6 kernel 5", Item::Conv(6, window(5, 1, 0))),
            (
                "conv 6 kernel 5 stride 2 padding 1",
                Item::Conv(6, window(5, 2, 1)),
            ),
        ] {
            assert_eq!(text.parse::<Item>().unwrap(), wanted);
            assert_eq!(wanted.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        for (text, wanted) in [
            ("", FIRST_WORD),
            ("golu", FIRST_WORD),
            ("linear", "a width"),
            ("linear -3", "a width"),
            ("attention", "a number of heads"),
            ("linear 3 4", "no further word"),
            ("relu 3", "no further word"),
            ("layer-norm 3", "no further word"),
            ("conv", "a number of channels"),
            ("conv 6", "the word kernel and a number"),
            ("conv 6 kernel", "a number after kernel"),
            ("conv 6 kernel 5 stride", "a number after stride"),
            ("conv 6 kernel 5 padding 1 stride 2", "no further word"),
            ("conv 6 kernel 5 dilation 2", "no further word"),
            ("flatten 2", "no further word"),
            ("max-pool", "a size"),
            ("average-pool kernel 2", "a size"),
            ("max-pool 2 stride", "a number after stride"),
            ("global-average-pool 2", "no further word"),
        ] {
            let message = text.parse::<Item>().unwrap_err().to_string();
            let expected = format!("item of a network: wanted {wanted}, found {text:?}");
            assert_eq!(message, expected);
        }
    }
}
