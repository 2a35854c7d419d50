//! The construction of a network: operations add their values and tensors.

use super::Activation;
use super::tensor::{Init, Tensor};
use super::value::{Value, ValueId};
use super::{Block, InputShape, Network, Node, Op};
use crate::error::Error;
use crate::state::TensorLayout;

/// The largest number of stored elements of a replica's parameters.
const MOST_ELEMENTS: u64 = 1 << 31;

/// A network under construction.
pub(super) struct Builder {
    pub(super) input: InputShape,
    pub(super) values: Vec<Value>,
    pub(super) nodes: Vec<Node>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) blocks: Vec<Block>,
}

/// An operation's request for a tensor.
pub(super) struct TensorShape {
    /// The name within its block.
    pub(super) name: &'static str,
    /// The shape; see [`Tensor::shape`].
    pub(super) shape: Vec<u32>,
    /// The number of stored rows: the inputs, every copy padded by itself.
    pub(super) rows: u32,
    /// The number of copies of its inputs.
    pub(super) copies: u32,
    /// The number of stored columns: the outputs with padding.
    pub(super) columns: u32,
    /// The rule by which its initial elements are drawn.
    pub(super) init: Init,
}

impl Builder {
    /// # Errors
    /// An input without elements, or with more than 2^20.
    pub(super) fn new(input: InputShape) -> Result<Self, Error> {
        Ok(Self {
            input,
            values: vec![Value::vector(input.elements()?, Activation::Identity)],
            nodes: Vec::new(),
            tensors: Vec::new(),
            blocks: Vec::new(),
        })
    }

    pub(super) fn value(&self, id: ValueId) -> Value {
        self.values[id.0]
    }

    pub(super) fn add_value(&mut self, value: Value) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }

    /// The latest value.
    pub(super) fn last_value(&self) -> ValueId {
        ValueId(self.values.len() - 1)
    }

    /// Adds a node without parameters, whose value has been added.
    pub(super) fn add_plain(&mut self, op: Op, inputs: Vec<ValueId>, output: ValueId) {
        self.nodes.push(Node {
            op,
            inputs,
            output,
            block: None,
        });
    }

    pub(super) fn finish(self) -> Network {
        Network {
            input: self.input,
            values: self.values,
            nodes: self.nodes,
            tensors: self.tensors,
            blocks: self.blocks,
        }
    }

    /// Adds a node that has parameters, in a block of its own; `add` adds its tensors and its value.
    pub(super) fn add_node(
        &mut self,
        name: String,
        input: ValueId,
        add: impl FnOnce(&mut Self) -> Result<(Op, ValueId), Error>,
    ) -> Result<ValueId, Error> {
        let first = self.tensors.len();
        self.blocks.push(Block {
            name,
            tensors: first..first,
        });
        let (op, output) = add(self)?;
        self.nodes.push(Node {
            op,
            inputs: vec![input],
            output,
            block: Some(self.blocks.len() - 1),
        });
        Ok(output)
    }

    /// Adds a tensor to the latest block and returns its index.
    ///
    /// # Errors
    /// More than 2^31 stored elements in all.
    pub(super) fn add_tensor(&mut self, tensor: TensorShape) -> Result<usize, Error> {
        let previous = self.tensors.last().map(|tensor| tensor.layout);
        let start = previous.map_or(0, |before| u64::from(before.start + before.length));
        let length = u64::from(tensor.rows) * u64::from(tensor.columns);
        if start + length > MOST_ELEMENTS {
            let found = start + length;
            return Err(Error::invalid("network parameters", "2^31 at most", found));
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        block.tensors.end += 1;
        let [outputs, inputs] = [tensor.shape[0], tensor.shape[1..].iter().product()];
        let bound = match tensor.init {
            Init::Zero => 0.0,
            Init::KaimingUniform => (6.0 / f64::from(inputs)).sqrt() as f32,
        };
        let before = previous.filter(|_| block.tensors.len() > 1);
        let layout = TensorLayout {
            start: start as u32,
            length: length as u32,
            count: outputs * inputs,
            first_tile: previous.map_or(0, |before| before.first_tile + before.tiles()),
            columns: tensor.columns,
            outputs,
            copy_rows: tensor.rows / tensor.copies,
            copy_inputs: inputs / tensor.copies,
            inputs,
            block: number as u32,
            first_place: before.map_or(0, |before| before.first_place + before.count),
            bound,
            block_bound: before.map_or(bound, |before| before.block_bound.max(bound)),
        };
        self.tensors.push(Tensor {
            name: format!("{}.{}", block.name, tensor.name),
            shape: tensor.shape,
            block: number,
            layout,
        });
        Ok(self.tensors.len() - 1)
    }
}
