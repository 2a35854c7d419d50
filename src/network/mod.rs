//! A network: nodes that read and write values, tensors of parameters, and blocks of tensors.
//!
//! A node reads values and makes one value by its operation ([`Op`]). A tensor is a stretch of a replica's parameters.
//! A block holds the tensors of one node; it has one step size and one block of the Hessian. A node together with its
//! block is a *layer* in probes, kernels and tables. On the device every dimension of a matrix is padded to a multiple
//! of four, so that kernels load whole vec4s at any size; padding is zero and stays zero.

mod activation;
mod add;
mod architecture;
mod attention;
mod build;
mod hidden;
mod input;
mod linear;
mod named;
mod norm;
mod patches;
mod pool;
mod position;
mod sequence;
mod tensor;
mod text;
mod value;
mod window;

use std::ops::Range;

pub use activation::Activation;
pub use add::Add;
pub use architecture::{Architecture, ListedItem};
pub use attention::Attention;
pub use input::InputShape;
pub use linear::Linear;
pub(crate) use linear::LinearMatrix;
pub use norm::LayerNorm;
pub use patches::Patches;
pub use pool::{Pool, PoolKind};
pub use position::PositionEmbedding;
pub use sequence::Item;
pub use tensor::{Init, TENSOR_TILE, Tensor};
pub use value::{Value, ValueId};
pub use window::{Window, Windows};

use crate::error::Error;

/// The computation of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `z = x W + b`
    Linear(Linear),
    /// `z = a + b`
    Add(Add),
    /// `z = gain (x - mean(x)) / sqrt(variance(x) + epsilon) + bias`, at each position
    LayerNorm(LayerNorm),
    /// `z = x + E`, with a row of E for each position
    PositionEmbedding(PositionEmbedding),
    /// `z = softmax(q k^T / sqrt(head units)) v`
    Attention(Attention),
    /// The elements of every window of an image.
    Patches(Patches),
    /// The maximum or the mean of every window of an image.
    Pool(Pool),
}

/// One operation on values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The computation.
    pub op: Op,
    /// The values that it reads.
    pub inputs: Vec<ValueId>,
    /// The value that it makes.
    pub output: ValueId,
    /// The index in [`Network::blocks`] of its block; `None` for a node without parameters.
    pub block: Option<usize>,
}

/// Parameters with one step size and one block of the Hessian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The name, unique in the network: `fc1`.
    pub name: String,
    /// The indices in [`Network::tensors`] of its tensors.
    pub tensors: Range<usize>,
}

/// The elements of every parameter tensor (or of a gradient), in the order of [`Network::tensors`], each in PyTorch's
/// order of elements.
pub type Parameters = Vec<Vec<f32>>;

/// Operations, values and parameters; all replicas of a batch share one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    input: InputShape,
    values: Vec<Value>,
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
    blocks: Vec<Block>,
}

/// The largest number of layers of a perceptron: each has dispatches of its own, and columns in every table.
const MOST_LAYERS: usize = 256;

impl Network {
    /// A multilayer perceptron. `widths` are inputs, hidden widths and classes: `[784, 256, 256, 10]` has three
    /// layers, `fc1` to `fc3`. `activation` follows every layer but the last.
    ///
    /// # Errors
    /// Fewer than two widths, more than 256 layers, a width of zero, fewer than 2 classes, or more than 2^31 elements.
    pub fn mlp(widths: &[u32], activation: Activation) -> Result<Self, Error> {
        check_widths(widths)?;
        let last = widths.len() - 1;
        let hidden = widths[1..last].iter();
        let hidden = hidden.flat_map(|units| [Item::Linear(*units), Item::Activation(activation)]);
        let items: Vec<_> = hidden.chain([Item::Linear(widths[last])]).collect();
        Self::sequence(widths[0], &items)
    }

    /// The number of inputs, and the units of every linear operation and convolution, the classes last.
    pub fn widths(&self) -> Vec<u32> {
        let units = self
            .linear_nodes()
            .map(|node| self.value(node.output).units);
        std::iter::once(self.inputs()).chain(units).collect()
    }

    /// The linear operations, convolutions included, in the order in which they run forward.
    pub(crate) fn linear_nodes(&self) -> impl Iterator<Item = &Node> {
        let nodes = self.nodes.iter();
        nodes.filter(|node| matches!(node.op, Op::Linear(_)))
    }

    /// The tensors of weight matrices, in stored order: those of linear operations, convolutions included.
    pub(crate) fn weight_matrices(&self) -> impl Iterator<Item = &Tensor> {
        let weight = |node: &Node| match node.op {
            Op::Linear(linear) => Some(&self.tensors[linear.weight]),
            _ => None,
        };
        self.nodes.iter().filter_map(weight)
    }

    /// The number of blocks whose parameters a value may depend on: those at or before the node that makes it. Blocks are
    /// in the order of their nodes.
    pub(crate) fn blocks_up_to(&self, value: ValueId) -> u32 {
        let nodes = self.nodes[..value.0].iter();
        nodes.filter(|node| node.block.is_some()).count() as u32
    }

    /// Whether a value depends on no parameter: the minibatch, and what is made of it alone. Such a value has neither
    /// gradient nor tangent.
    pub(crate) fn is_constant(&self, value: ValueId) -> bool {
        self.blocks_up_to(value) == 0
    }

    /// Whether a node after `node` reads `value`. Nodes run backward from the last, so that the later reader has then
    /// written the gradient of the value, and `node` adds to it.
    pub(crate) fn is_read_after(&self, node: &Node, value: ValueId) -> bool {
        let later = self.nodes[node.output.0..].iter();
        later.into_iter().any(|node| node.inputs.contains(&value))
    }

    /// The values: the input first, the logits last.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// One value.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0]
    }

    /// The operations, in the order in which they run forward.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The parameter tensors, in stored order.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The blocks, in stored order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The tensors of a block, in stored order.
    pub fn block_tensors(&self, block: usize) -> &[Tensor] {
        &self.tensors[self.blocks[block].tensors.clone()]
    }

    /// The number of trainable parameters of a block, without padding.
    pub fn block_parameters(&self, block: usize) -> usize {
        self.block_tensors(block).iter().map(Tensor::count).sum()
    }

    /// The shape of a sample.
    pub fn input_shape(&self) -> InputShape {
        self.input
    }

    /// The number of inputs.
    pub fn inputs(&self) -> u32 {
        self.values[0].units
    }

    /// The logits.
    pub fn logits(&self) -> ValueId {
        ValueId(self.values.len() - 1)
    }

    /// The number of classes.
    pub fn classes(&self) -> u32 {
        self.value(self.logits()).units
    }

    /// The number of trainable parameters, without padding.
    pub fn parameter_count(&self) -> usize {
        self.tensors.iter().map(Tensor::count).sum()
    }

    /// The number of stored elements of one replica's parameters, with padding.
    pub fn parameter_stride(&self) -> usize {
        self.tensors.last().map_or(0, |last| last.stored().end)
    }

    /// The location of a linear node's matrix in a replica's parameters.
    pub(crate) fn linear_matrix(&self, node: &Node, linear: Linear) -> LinearMatrix {
        LinearMatrix {
            offset: self.tensors[linear.weight].layout.start / 4,
            rows: self.value(node.inputs[0]).columns(),
            columns: self.value(node.output).padded_units(),
        }
    }

    /// Converts parameters from PyTorch's layout to one replica's stored layout.
    ///
    /// # Errors
    /// A number of tensors or of elements that is not this network's.
    pub fn pack<T: AsRef<[f32]>>(&self, parameters: &[T]) -> Result<Vec<f32>, Error> {
        Error::check_length("parameter tensors", self.tensors.len(), parameters.len())?;
        let mut stored = vec![0.0; self.parameter_stride()];
        for (tensor, given) in self.tensors.iter().zip(parameters) {
            let given = given.as_ref();
            Error::check_length(&tensor.name, tensor.count(), given.len())?;
            for (index, element) in tensor.indices().zip(given) {
                stored[index] = *element;
            }
        }
        Ok(stored)
    }

    /// Converts one replica's stored parameters (or gradients) to PyTorch's layout.
    ///
    /// # Errors
    /// A slice that is not [`Self::parameter_stride`] long.
    pub fn unpack(&self, stored: &[f32]) -> Result<Parameters, Error> {
        Error::check_length("stored parameters", self.parameter_stride(), stored.len())?;
        let elements = |tensor: &Tensor| tensor.indices().map(|index| stored[index]).collect();
        Ok(self.tensors.iter().map(elements).collect())
    }
}

fn check_widths(widths: &[u32]) -> Result<(), Error> {
    if widths.len() < 2 {
        let wanted = "inputs and classes at least";
        let found = format!("{widths:?}");
        return Err(Error::invalid("network widths", wanted, found));
    }
    let layers = widths.len() - 1;
    if layers > MOST_LAYERS {
        return Err(Error::invalid("network layers", "256 at most", layers));
    }
    widths.iter().try_for_each(|width| check_width(*width))?;
    if widths[layers] < 2 {
        return Err(Error::invalid("number of classes", "2 at least", 1));
    }
    Ok(())
}

/// The largest number of units of a value.
const MOST_WIDTH: u32 = 1 << 20;

fn check_width(width: u32) -> Result<(), Error> {
    if (1..=MOST_WIDTH).contains(&width) {
        return Ok(());
    }
    Err(Error::invalid("network width", "1 to 1,048,576", width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_papers_network_has_269_322_parameters() {
        let network = Network::mlp(&[784, 256, 256, 10], Activation::Relu).unwrap();
        assert_eq!(network.parameter_count(), 269_322);
        let crelu = Network::mlp(&[784, 256, 256, 10], Activation::Crelu).unwrap();
        assert_eq!(crelu.parameter_count(), 785 * 256 + 513 * 256 + 513 * 10);
    }

    #[test]
    fn packing_and_unpacking_is_the_identity_and_leaves_padding_zero() {
        for activation in [Activation::Relu, Activation::Crelu] {
            let network = Network::mlp(&[7, 5, 3, 2], activation).unwrap();
            let mut next = 0.0;
            let mut fresh = || {
                next += 1.0;
                next
            };
            let tensors = network.tensors().iter();
            let given: Parameters = tensors
                .map(|tensor| (0..tensor.count()).map(|_| fresh()).collect())
                .collect();
            let stored = network.pack(&given).unwrap();
            let filled = stored.iter().filter(|x| **x != 0.0).count();
            assert_eq!(filled, network.parameter_count());
            assert_eq!(network.unpack(&stored).unwrap(), given);
        }
    }

    #[test]
    fn a_crelus_copies_are_padded_each_by_itself() {
        let network = Network::mlp(&[2, 3, 2], Activation::Crelu).unwrap();
        let weight = &network.tensors()[2];
        assert_eq!(
            (&weight.name[..], &weight.shape[..]),
            ("fc2.weight", &[2, 6][..])
        );
        // The elements are in rows 0 to 2 and 4 to 6 of 8, in columns 0 and 1 of 4.
        let start = weight.stored().start;
        let places: Vec<_> = weight.indices().map(|index| index - start).collect();
        assert_eq!(places, [0, 4, 8, 16, 20, 24, 1, 5, 9, 17, 21, 25]);
    }

    #[test]
    fn parameters_of_another_network_are_refused() {
        let network = Network::mlp(&[2, 3, 2], Activation::Relu).unwrap();
        let mut given = network
            .unpack(&vec![1.0; network.parameter_stride()])
            .unwrap();
        given[2].pop();
        let message = network.pack(&given).unwrap_err().to_string();
        assert_eq!(message, "fc2.weight: wanted 6 elements, found 5");
        assert!(network.pack(&given[1..]).is_err());
    }

    #[test]
    fn impossible_shapes_are_refused() {
        for widths in [&[][..], &[5], &[5, 0, 2], &[5, 1], &[1 << 20, 1 << 20, 2]] {
            assert!(
                Network::mlp(widths, Activation::Relu).is_err(),
                "{widths:?}"
            );
        }
    }
}
