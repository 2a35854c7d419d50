//! Operations: how each plans its part of a pass. One file here, one of [`crate::network`], and a room of kernels and
//! twins of the same name make an operation.

mod linear;

use super::buffers::Buffers;
use super::declare::BufferId;
use super::dispatch::Dispatch;
use crate::network::{Node, Op, ValueId};
use crate::spec::TrainingSpec;

/// A node at its place in a training step.
pub(super) struct Site<'a> {
    pub(super) spec: &'a TrainingSpec,
    pub(super) buffers: &'a Buffers,
    pub(super) node: &'a Node,
}

/// An operation's part of a training step.
pub(super) trait PlanOp {
    /// Makes the node's output from its inputs: `y = f(x; theta)`.
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch>;

    /// Makes the gradients of the node's parameters and, where `to_input`, of its inputs from that of its output.
    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch>;
}

/// The plans of an operation.
pub(super) fn plans(op: &Op) -> &dyn PlanOp {
    match op {
        Op::Linear(linear) => linear,
    }
}

impl Site<'_> {
    /// What a value holds.
    fn value(&self, id: ValueId) -> BufferId {
        self.buffers.activations[id.index()]
    }

    /// The gradient with respect to a value's pre-activations.
    fn gradient(&self, id: ValueId) -> BufferId {
        self.buffers.pre_activation_gradients[id.index() - 1]
    }

    /// The only input of the node.
    fn input(&self) -> ValueId {
        self.node.inputs[0]
    }

    /// Vec4s of a replica's parameters.
    fn parameters_stride(&self) -> u32 {
        self.spec.network.parameter_stride() as u32 / 4
    }
}
