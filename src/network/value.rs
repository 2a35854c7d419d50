//! Values: the arrays that the nodes of a network read and write.

use super::Activation;

/// The identifier of a value of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueId(pub(crate) usize);

impl ValueId {
    /// The index in [`super::Network::values`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// The input of the network or the output of a node, for each sample. Nodes read it.
///
/// A value holds f(z), where f is its activation. Gradients and tangents of gradients are with respect to z, so every
/// node that reads a value multiplies its gradient by f'(z), which is a function of f(z).
///
/// On the device a sample's row is `[copies, padded units]`: every copy is padded to a multiple of four with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The number of pre-activations z of a sample.
    pub units: u32,
    /// The activation f.
    pub activation: Activation,
}

impl Value {
    /// The number of copies of a unit: 2 after CReLU, else 1.
    pub fn copies(&self) -> u32 {
        self.activation.copies()
    }

    /// The number of elements f(z) of a sample, without padding.
    pub fn width(&self) -> u32 {
        self.units * self.copies()
    }

    /// The stored length of a sample's gradient with respect to z, and of one copy of f(z).
    pub fn padded_units(&self) -> u32 {
        pad4(self.units)
    }

    /// The stored length of a sample's f(z).
    pub fn columns(&self) -> u32 {
        self.padded_units() * self.copies()
    }
}

/// The next multiple of four.
fn pad4(n: u32) -> u32 {
    n.next_multiple_of(4)
}
