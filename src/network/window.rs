//! Windows of convolutions and pools.

use super::input::describe;
use super::value::Value;
use crate::error::Error;

/// A square window that moves over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The height and the width of the window.
    pub kernel: u32,
    /// The distance of one window from the next, along both axes.
    pub stride: u32,
    /// The width of the border around the image.
    pub padding: u32,
}

/// The windows over the grid of a value, one for each position of the value that is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The height and the width of the grid.
    pub(crate) grid: [u32; 2],
    /// The height and the width of a window.
    pub(crate) size: [u32; 2],
    pub(crate) stride: u32,
    pub(crate) padding: u32,
    /// The numbers of windows along the height and the width.
    pub(crate) outputs: [u32; 2],
}

/// The largest kernel, and the largest stride.
const LARGEST: u32 = 65_535;

impl Windows {
    /// The windows over a value; a window that the grid and its border do not hold whole is left out. `item` is the item of
    /// the network, for messages. The border is at most `widest` wide.
    ///
    /// # Errors
    /// A value that is no image, a window of no size, a window larger than the image with its border, and a wider border.
    pub(super) fn over(
        value: &Value,
        window: Window,
        widest: u32,
        item: &str,
    ) -> Result<Self, Error> {
        let Window {
            kernel,
            stride,
            padding,
        } = window;
        let refuse = |wanted: &str, found: String| {
            let wanted = format!("{wanted} for {item}");
            Err(Error::invalid("items of a network", wanted, found))
        };
        if value.positions() == 1 {
            return refuse("an image (channels x height x width)", describe(value));
        }
        if !(1..=LARGEST).contains(&kernel) || !(1..=LARGEST).contains(&stride) {
            let found = format!("a kernel of {kernel} with a stride of {stride}");
            return refuse("a kernel and a stride of 1 to 65,535", found);
        }
        if padding > widest {
            return refuse(
                &format!("a padding of {widest} at most"),
                padding.to_string(),
            );
        }
        let [height, width] = value.grid.map(|size| size + 2 * padding);
        if kernel > height.min(width) {
            let found = format!("{} with a padding of {padding}", describe(value));
            return refuse(&format!("an image that holds {kernel} x {kernel}"), found);
        }
        Ok(Self {
            grid: value.grid,
            size: [kernel; 2],
            stride,
            padding,
            outputs: [height, width].map(|size| (size - kernel) / stride + 1),
        })
    }

    /// The one window that is the whole grid.
    pub(super) fn whole(grid: [u32; 2]) -> Self {
        Self {
            grid,
            size: grid,
            stride: 1,
            padding: 0,
            outputs: [1, 1],
        }
    }

    /// The windows of one position each.
    pub(super) fn single(grid: [u32; 2]) -> Self {
        Self {
            grid,
            size: [1, 1],
            stride: 1,
            padding: 0,
            outputs: grid,
        }
    }

    /// The number of positions of a window.
    pub(crate) fn area(&self) -> u64 {
        self.size.iter().map(|size| u64::from(*size)).product()
    }

    /// Whether window and position are the same.
    pub(super) fn are_single(&self) -> bool {
        *self == Self::single(self.grid)
    }
}
