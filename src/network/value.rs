//! Values: what nodes of a network read and write.

use super::Activation;

/// Names a value of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// The place in [`super::Network::values`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// What one node makes of a sample, and the next ones read.
///
/// A value holds f(z), f its activation. Gradients and tangents of gradients are with respect to z, so every node that
/// reads a value multiplies its gradient by f'(z), which is a function of f(z).
///
/// On the device a sample's row is `[copies, padded units]`: every copy is padded to a multiple of four with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Numbers z of a sample.
    pub units: u32,
    /// f
    pub activation: Activation,
}

impl Value {
    /// Numbers f(z) that one unit becomes: 2 after CReLU, else 1.
    pub fn copies(&self) -> u32 {
        self.activation.copies()
    }

    /// Numbers f(z) of a sample, without padding.
    pub fn width(&self) -> u32 {
        self.units * self.copies()
    }

    /// Stored numbers of a sample's gradient with respect to z, and of one copy of f(z).
    pub fn padded_units(&self) -> u32 {
        pad4(self.units)
    }

    /// Stored numbers f(z) of a sample.
    pub fn columns(&self) -> u32 {
        self.padded_units() * self.copies()
    }
}

/// The next multiple of four.
fn pad4(n: u32) -> u32 {
    n.next_multiple_of(4)
}
