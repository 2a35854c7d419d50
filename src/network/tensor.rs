//! Parameter tensors: their shapes, the location of their elements in a replica's parameters, and their initial values.

use std::ops::Range;

use crate::state::TensorLayout;

/// The number of elements of a tensor that one workgroup handles, in kernels that work on the table of tensors.
pub const TENSOR_TILE: u32 = 4096;

/// The rule by which a tensor's initial elements are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Zeros.
    Zero,
    /// Ones.
    One,
    /// Uniform in `[-bound, bound]`, `bound = sqrt(6 / inputs)`: it keeps the variance of ReLU activations
    /// (He et al., ICCV 2015).
    KaimingUniform,
    /// Uniform with mean 0 and this standard deviation: `bound = sqrt(3) deviation`.
    Deviation(f32),
}

/// One parameter tensor.
///
/// Its elements are those of the tensor in PyTorch. The *place* of an element is its number in PyTorch's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The name, unique in the network: `fc1.weight`.
    pub name: String,
    /// The shape, outputs first as in PyTorch: `[outputs, inputs]` or `[outputs]`.
    pub shape: Vec<u32>,
    /// The index in [`super::Network::blocks`] of its block.
    pub block: usize,
    /// The location of its elements, in the form that the device reads.
    pub(crate) layout: TensorLayout,
}

impl Tensor {
    /// The number of elements, without padding.
    pub fn count(&self) -> usize {
        self.layout.count as usize
    }

    /// The range of the tensor in a replica's parameters, padding included.
    pub fn stored(&self) -> Range<usize> {
        self.layout.elements()
    }

    /// The index in a replica's parameters of the element with this place.
    pub fn index(&self, place: usize) -> usize {
        let layout = &self.layout;
        let inputs = layout.inputs as usize;
        let (column, input) = (place / inputs, place % inputs);
        let row = layout.row_of(input as u32) as usize;
        layout.start as usize + row * layout.columns as usize + column
    }

    /// The indices in a replica's parameters of all elements, in the order of their places.
    pub fn indices(&self) -> impl Iterator<Item = usize> {
        (0..self.count()).map(|place| self.index(place))
    }
}

impl TensorLayout {
    /// The range of the tensor in a replica's parameters, padding included.
    pub(crate) fn elements(&self) -> Range<usize> {
        self.start as usize..(self.start + self.length) as usize
    }

    /// The indices of a column in a replica's parameters, padding included.
    pub(crate) fn column(&self, column: u32) -> impl Iterator<Item = usize> + use<> {
        let column = self.start as usize + column as usize;
        let end = (self.start + self.length) as usize;
        (column..end).step_by(self.columns as usize)
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

    /// The number of workgroups that handle the tensor.
    pub(crate) fn tiles(&self) -> u32 {
        self.length.div_ceil(TENSOR_TILE)
    }
}
