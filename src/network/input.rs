//! The shape of a network's input.

use std::fmt;

use super::check_width;
use super::value::Value;
use crate::error::Error;

/// The shape of one sample of a minibatch. A minibatch holds samples as flat vectors; an image is flat in the order
/// `[channels, height, width]`, as data sets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// A vector of so many elements.
    Vector(u32),
    /// An image `[channels, height, width]`.
    Image([u32; 3]),
}

impl From<u32> for InputShape {
    fn from(elements: u32) -> Self {
        Self::Vector(elements)
    }
}

impl From<[u32; 3]> for InputShape {
    fn from(shape: [u32; 3]) -> Self {
        Self::Image(shape)
    }
}

impl InputShape {
    /// The number of elements of a sample.
    ///
    /// # Errors
    /// A dimension of zero, and more than 2^20 elements.
    pub(super) fn elements(self) -> Result<u32, Error> {
        let shape = match self {
            Self::Vector(elements) => return check_width(elements).map(|()| elements),
            Self::Image(shape) => shape,
        };
        match shape.iter().try_fold(1_u32, |n, m| n.checked_mul(*m)) {
            Some(elements) if check_width(elements).is_ok() => Ok(elements),
            _ => {
                let wanted = "1 to 1,048,576 elements";
                Err(Error::invalid("an image as input", wanted, self))
            }
        }
    }

    /// The image as a value with positions; `None` for a vector, and for an image of one pixel, which is one.
    pub(super) fn image(self) -> Option<[u32; 3]> {
        match self {
            Self::Image([_, 1, 1]) | Self::Vector(_) => None,
            Self::Image(shape) => Some(shape),
        }
    }
}

impl fmt::Display for InputShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(elements) => write!(f, "{elements}"),
            Self::Image([channels, height, width]) => write!(f, "{channels} x {height} x {width}"),
        }
    }
}

/// The shape of a value, for messages: `6 x 5 x 5` for an image of 6 channels, `a vector of 4`.
pub(super) fn describe(value: &Value) -> String {
    let units = match value.copies() {
        1 => value.units.to_string(),
        copies => format!("{copies} x {}", value.units),
    };
    match value.grid {
        [1, 1] => format!("a vector of {units}"),
        [height, width] => format!("{units} x {height} x {width}"),
    }
}
