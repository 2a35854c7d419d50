//! The text form of an item, in which experiment files and references list networks: `linear 120`, `relu`, `add 2`.

use std::fmt;
use std::str::{FromStr, SplitWhitespace};

use serde::de::IntoDeserializer;
use serde::de::value::Error as NameError;
use serde::{Deserialize, Serialize};

use super::{Activation, Item};
use crate::error::Error;

impl FromStr for Item {
    type Err = Error;

    /// Reads an item. The name of an activation is an item, and `linear`, `add` and `attention` have a number after
    /// them.
    ///
    /// # Errors
    /// An unknown name, and a number that is missing, is none, or is not wanted.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut words = Words::new(text);
        let item = match words.next() {
            "linear" => Self::Linear(words.number("a width")?),
            "add" => Self::Add(words.number("a number of items")?),
            "attention" => Self::Attention(words.number("a number of heads")?),
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
            Self::Attention(heads) => write!(f, "attention {heads}"),
            Self::Activation(activation) => activation.serialize(f),
        }
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

    fn activation(&self, name: &str) -> Result<Activation, Error> {
        let found: Result<_, NameError> = Activation::deserialize(name.into_deserializer());
        found.map_err(|_| self.error("an operation or an activation"))
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

    #[test]
    fn items_are_read_and_written_alike() {
        for (text, wanted) in [
            ("linear 120", Item::Linear(120)),
            ("add 0", Item::Add(0)),
            ("attention 4", Item::Attention(4)),
            ("leaky-relu", Item::Activation(Activation::LeakyRelu)),
        ] {
            assert_eq!(text.parse::<Item>().unwrap(), wanted);
            assert_eq!(wanted.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        for (text, wanted) in [
            ("", "an operation or an activation"),
            ("golu", "an operation or an activation"),
            ("linear", "a width"),
            ("linear -3", "a width"),
            ("attention", "a number of heads"),
            ("linear 3 4", "no further word"),
            ("relu 3", "no further word"),
        ] {
            let message = text.parse::<Item>().unwrap_err().to_string();
            let expected = format!("item of a network: wanted {wanted}, found {text:?}");
            assert_eq!(message, expected);
        }
    }
}
