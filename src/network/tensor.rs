//! Parameter tensors: their shapes, where their elements lie in a replica's parameters, and how they begin.

use std::ops::Range;

use crate::state::TensorLayout;

/// Elements of a tensor that one workgroup goes through, in the kernels that go through the table of tensors.
pub const TENSOR_TILE: u32 = 4096;

/// How a tensor's elements are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Zeros.
    Zero,
    /// Uniform in `[-bound, bound]`, `bound = sqrt(6 / inputs)`: it keeps the variance of ReLU activations
    /// (He et al., ICCV 2015).
    KaimingUniform,
}

/// One parameter tensor.
///
/// Its elements are those of PyTorch, in PyTorch's order: an element's number in that order is its *place*.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name, unique in the network: `fc1.weight`.
    pub name: String,
    /// Outputs first, as PyTorch has it: `[outputs, inputs]` or `[outputs]`.
    pub shape: Vec<u32>,
    /// The place in [`super::Network::blocks`] of the block that it belongs to.
    pub block: usize,
    /// Where its elements lie, as the device sees it.
    pub(crate) layout: TensorLayout,
}

impl Tensor {
    /// Elements, without padding.
    pub fn count(&self) -> usize {
        self.layout.count as usize
    }

    /// Where the elements lie in a replica's parameters, padding included.
    pub fn stored(&self) -> Range<usize> {
        self.layout.elements()
    }

    /// Where the element of this place lies in a replica's parameters.
    pub fn index(&self, place: usize) -> usize {
        let layout = &self.layout;
        let inputs = layout.inputs as usize;
        let (column, input) = (place / inputs, place % inputs);
        let row = layout.row_of(input as u32) as usize;
        layout.start as usize + row * layout.columns as usize + column
    }

    /// Where all elements lie in a replica's parameters, in the order of their places.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        (0..self.count()).map(|place| self.index(place))
    }
}

impl TensorLayout {
    /// Stored elements in a replica's parameters, padding included.
    pub(crate) fn elements(&self) -> Range<usize> {
        self.start as usize..(self.start + self.length) as usize
    }

    /// The row that holds input `input`.
    fn row_of(&self, input: u32) -> u32 {
        input / self.copy_inputs * self.copy_rows + input % self.copy_inputs
    }

    /// The input that row `row` holds; `None` where it is padding.
    pub(crate) fn input_of(&self, row: u32) -> Option<u32> {
        let in_copy = row % self.copy_rows;
        let input = row / self.copy_rows * self.copy_inputs + in_copy;
        (in_copy < self.copy_inputs).then_some(input)
    }

    /// Workgroups that go through the tensor.
    pub(crate) fn tiles(&self) -> u32 {
        self.length.div_ceil(TENSOR_TILE)
    }
}
