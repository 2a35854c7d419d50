//! Description of a data set, which a run stores.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Fault;
use super::{LARGEST, mnist};

/// Shape of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(from = "[u32; 3]", into = "[u32; 3]")]
pub struct Shape {
    /// 1 for grey, 3 for colours.
    pub channels: u32,
    /// Pixel rows.
    pub rows: u32,
    /// Pixel columns.
    pub columns: u32,
}

impl Shape {
    /// Number of values in one image; `None` from 2^31 on.
    pub fn pixels(self) -> Option<u32> {
        let plane = self.rows.checked_mul(self.columns)?;
        let pixels = plane.checked_mul(self.channels)?;
        (u64::from(pixels) < LARGEST).then_some(pixels)
    }
}

impl From<[u32; 3]> for Shape {
    fn from([channels, rows, columns]: [u32; 3]) -> Self {
        Self {
            channels,
            rows,
            columns,
        }
    }
}

impl From<Shape> for [u32; 3] {
    fn from(shape: Shape) -> Self {
        [shape.channels, shape.rows, shape.columns]
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} x {}", self.channels, self.rows, self.columns)
    }
}

/// Description of a data set: name, shape and classes. A run stores it and refuses other data when it resumes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, try_from = "Stated")]
pub struct Description {
    /// Name of the data set: the name of its directory or file.
    pub name: String,
    /// Channels, rows and columns of an image.
    pub shape: Shape,
    /// Number of classes.
    pub classes: u32,
}

impl Description {
    /// MNIST: grey images of 28 x 28 pixels in 10 classes.
    pub fn mnist() -> Self {
        Self {
            name: mnist::NAME.to_owned(),
            shape: mnist::SHAPE,
            classes: mnist::CLASSES,
        }
    }

    /// Accuracy of guessing: 1 / classes.
    pub fn chance(&self) -> f64 {
        1.0 / f64::from(self.classes)
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            shape,
            classes,
        } = self;
        write!(f, "{name} ({shape} pixels, {classes} classes)")
    }
}

/// Unchecked [`Description`], read from a file.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Stated {
    name: String,
    shape: Shape,
    classes: u32,
}

impl TryFrom<Stated> for Description {
    type Error = Fault;

    fn try_from(stated: Stated) -> Result<Self, Fault> {
        let Stated {
            name,
            shape,
            classes,
        } = stated;
        if name.is_empty() || name != printable(&name) {
            let wanted = "one character or more, none for control";
            return Err(Fault::new("name", wanted, format!("{name:?}")));
        }
        check_shape(shape)?;
        if classes < 2 {
            return Err(Fault::new("classes", "2 or more", classes));
        }
        Ok(Self {
            name,
            shape,
            classes,
        })
    }
}

/// Returns text without control characters, which could steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(visible).collect()
}

pub(super) fn check_shape(shape: Shape) -> Result<u32, Fault> {
    match shape.pixels() {
        Some(pixels @ 1..) => Ok(pixels),
        _ => {
            let wanted = "sides of 1 or more, fewer than 2^31 pixels together";
            Err(Fault::new("shape of an image", wanted, shape))
        }
    }
}
