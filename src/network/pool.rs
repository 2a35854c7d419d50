//! Pools: one number for each channel of every window of an image.

use super::build::Builder;
use super::value::{Value, ValueId};
use super::window::Windows;
use super::{Activation, Op, check_width};
use crate::error::Error;

/// The number that a pool makes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The mean; elements of the border are zero and count, as in `nn.AvgPool2d`.
    Average,
    /// The largest element; the border has none. The gradient goes to the first of equal elements, in row-major order.
    Maximum,
}

/// A pool. The copies of a value are channels: those of the first copy, then those of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    pub(crate) kind: PoolKind,
    pub(crate) windows: Windows,
}

impl Pool {
    /// Adds a pool and the value that it makes.
    ///
    /// # Errors
    /// More channels than a value may have: the copies of the input are channels.
    pub(super) fn add(
        network: &mut Builder,
        input: ValueId,
        kind: PoolKind,
        windows: Windows,
        activation: Activation,
    ) -> Result<ValueId, Error> {
        let units = network.value(input).width();
        check_width(units)?;
        let output = network.add_value(Value {
            units,
            grid: windows.outputs,
            activation,
        });
        network.add_plain(Op::Pool(Self { kind, windows }), vec![input], output);
        Ok(output)
    }
}
