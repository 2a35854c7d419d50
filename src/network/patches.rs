//! Patches: the elements of every window of an image, as rows (im2col). A convolution is a linear operation on them.

use super::Activation;
use super::build::Builder;
use super::input::describe;
use super::value::{Value, ValueId};
use super::window::Windows;
use super::{MOST_WIDTH, Op};
use crate::error::Error;

/// The patches of an image. Row p holds the window at position p, in the order `[channel, height, width]`; what is in the
/// border is zero. The copies of a value are channels: those of the first copy, then those of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    pub(crate) windows: Windows,
    /// Whether the input holds `[channel, height, width]` in one row, as the minibatch does; else it has positions.
    pub(crate) is_planar: bool,
}

impl Patches {
    /// Adds patches and the value that they make. `channels` are those of the image, the copies included; `item` is the
    /// item of the network, for messages.
    ///
    /// # Errors
    /// A patch of more than 2^20 elements.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        windows: Windows,
        channels: u32,
        item: &str,
    ) -> Result<ValueId, Error> {
        let read = network.value(input);
        let elements = u64::from(channels).saturating_mul(windows.area());
        let units = match u32::try_from(elements) {
            Ok(units @ 1..=MOST_WIDTH) => units,
            _ => {
                let wanted = format!("patches of 1,048,576 elements at most for {item}");
                let found = format!("{elements} of {}", describe(&read));
                return Err(Error::invalid("items of a network", wanted, found));
            }
        };
        let output = network.add_value(Value {
            units,
            grid: windows.outputs,
            activation: Activation::Identity,
        });
        let patches = Self {
            windows,
            is_planar: read.grid != windows.grid,
        };
        network.add_plain(Op::Patches(patches), vec![input], output);
        Ok(output)
    }
}
