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
/// node that reads a value multiplies its gradient by f'(z). This is a function of f(z), or of z, which the value then keeps
/// beside f(z).
///
/// A value has `units` at each *position*: an image has its pixels, a sequence its tokens, and a vector one position.
/// Each position of a sample is a row, and operations such as the linear one work on rows. On the device a row is
/// `[copies, padded units]`: every copy is padded to a multiple of four with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The number of pre-activations z at a position: the channels of an image, or the width of a token.
    pub units: u32,
    /// The height and the width of the grid of positions, which are in row-major order.
    pub grid: [u32; 2],
    /// The activation f.
    pub activation: Activation,
}

impl Value {
    /// A value of one position.
    pub fn vector(units: u32, activation: Activation) -> Self {
        let grid = [1, 1];
        Self {
            units,
            grid,
            activation,
        }
    }

    /// The number of positions of a sample.
    pub fn positions(&self) -> u32 {
        self.grid[0] * self.grid[1]
    }

    /// The number of copies of a unit: 2 after CReLU and Fourier features, else 1.
    pub fn copies(&self) -> u32 {
        self.activation.copies()
    }

    /// The number of elements f(z) of a row, without padding.
    pub fn width(&self) -> u32 {
        self.units * self.copies()
    }

    /// The stored length of a row of gradients with respect to z, and of one copy of f(z).
    pub fn padded_units(&self) -> u32 {
        pad4(self.units)
    }

    /// The stored length of a row of f(z).
    pub fn columns(&self) -> u32 {
        self.padded_units() * self.copies()
    }

    /// Samples `[samples, width]` in their stored form `[rows, columns]`: padding and further rows are zero.
    pub(crate) fn pad(&self, samples: &[f32], rows: usize) -> Vec<f32> {
        let mut stored = vec![0.0; rows * self.columns() as usize];
        let copies = stored.chunks_mut(self.padded_units() as usize);
        let units = self.units as usize;
        for (copy, numbers) in copies.zip(samples.chunks(units)) {
            copy[..units].copy_from_slice(numbers);
        }
        stored
    }

    /// The first of the stored samples `[rows, columns]`, without padding: `[samples, width]`.
    pub(crate) fn unpad(&self, stored: &[f32], samples: usize) -> Vec<f32> {
        let copies = stored.chunks(self.padded_units() as usize);
        let copies = copies.take(samples * self.copies() as usize);
        let numbers = copies.flat_map(|copy| &copy[..self.units as usize]);
        numbers.copied().collect()
    }
}

/// The next multiple of four.
fn pad4(n: u32) -> u32 {
    n.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_padded_copy_by_copy_and_come_back() {
        let samples: Vec<f32> = (1..=12).map(|n| n as f32).collect();
        for (activation, units) in [(Activation::Identity, 6), (Activation::Crelu, 3)] {
            let value = Value::vector(units, activation);
            let stored = value.pad(&samples, 8);
            assert_eq!(stored.len(), 8 * 8);
            let zeros = stored.iter().filter(|x| **x == 0.0).count();
            assert_eq!(zeros, 8 * 8 - 12, "{activation:?}");
            assert_eq!(value.unpad(&stored, 2), samples, "{activation:?}");
        }
        let crelu = Value::vector(3, Activation::Crelu);
        assert_eq!(
            crelu.pad(&samples, 2)[..8],
            [1.0, 2.0, 3.0, 0.0, 4.0, 5.0, 6.0, 0.0]
        );
    }
}
