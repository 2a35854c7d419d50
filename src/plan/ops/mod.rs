//! Operations: the plans of each operation's part of a pass. An operation consists of one file here, one file in
//! [`crate::network`], and a room of kernels and twins of the same name.

mod add;
mod attention;
mod linear;
mod norm;
mod patches;
mod pool;
mod position;

pub use attention::{AttentionBuffers, ProbeAttentionBuffers};

use super::buffers::Buffers;
use super::declare::BufferId;
use super::dispatch::Dispatch;
use super::probe::{ProbeSite, ProbedNode};
use crate::network::{Node, Op, ValueId};
use crate::spec::TrainingSpec;

/// A node of a training step, with the program's buffers.
pub(super) struct Site<'a> {
    pub(super) spec: &'a TrainingSpec,
    pub(super) buffers: &'a Buffers,
    pub(super) node: &'a Node,
}

/// An operation's part of a training step and of a probe.
pub(super) trait PlanOp {
    /// Computes the node's output from its inputs: `y = f(x; theta)`.
    fn forward(&self, at: &Site<'_>) -> Vec<Dispatch>;

    /// Computes the gradients of the node's parameters and, where `to_input`, of its inputs that are no constants,
    /// from the gradient of its output. Only nodes whose output depends on parameters are asked.
    fn backward(&self, at: &Site<'_>, to_input: bool) -> Vec<Dispatch>;

    /// Computes the tangents `R{y}` of the node's output, from `direction` and from the tangents of its inputs. A slot that
    /// reaches no input has a tangent of zero.
    fn tangent_forward(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch>;

    /// Computes the tangents of the gradients of the node's inputs that are no constants, `R{dx}`, for the slots that reach
    /// each input.
    fn tangent_backward_input(
        &self,
        at: &ProbeSite<'_>,
        node: &Node,
        direction: BufferId,
    ) -> Vec<Dispatch>;

    /// Computes the tangents of the gradients of the node's parameters, `R{d theta}`: its segments of the products. Only
    /// nodes with a block are asked.
    fn tangent_backward_parameters(&self, _: &ProbeSite<'_>, _: &ProbedNode<'_>) -> Vec<Dispatch> {
        Vec::new()
    }

    /// Computes the mean squared norm of the per-sample gradients of the node's parameters, `1/B sum_b |g_b|^2`. Only
    /// nodes with a block are asked.
    fn sample_gradient_norms(&self, _: &ProbeSite<'_>, _: &ProbedNode<'_>) -> Vec<Dispatch> {
        Vec::new()
    }

    /// The size of a dual segment; `None` where an operation has no dual form.
    fn dual(&self, _: &TrainingSpec, _: &Node) -> Option<Dual> {
        None
    }

    /// Computes the first iterates of the node's dual segments, and the data that their products need.
    fn dual_start(&self, _: &ProbeSite<'_>, _: &ProbedNode<'_>) -> Vec<Dispatch> {
        Vec::new()
    }

    /// Stores the node's dual segments as vectors.
    fn dual_vectors(&self, _: &ProbeSite<'_>, _: &ProbedNode<'_>) -> Vec<Dispatch> {
        Vec::new()
    }
}

/// The dual form of a segment: one gradient per sample.
pub(super) struct Dual {
    /// The number of vec4s of the sample gradients, and of their image.
    pub(super) length: u32,
    /// Whether its products cost less than those of a vector.
    pub(super) is_cheaper: bool,
}

/// The plans of an operation.
pub(super) fn plans(op: &Op) -> &dyn PlanOp {
    match op {
        Op::Linear(linear) => linear,
        Op::Add(add) => add,
        Op::LayerNorm(norm) => norm,
        Op::PositionEmbedding(embedding) => embedding,
        Op::Attention(attention) => attention,
        Op::Patches(patches) => patches,
        Op::Pool(pool) => pool,
    }
}

impl Site<'_> {
    /// The buffer of a value.
    fn value(&self, id: ValueId) -> BufferId {
        self.buffers.activations[id.index()]
    }

    /// The buffer of the gradient with respect to a value's pre-activations.
    fn gradient(&self, id: ValueId) -> BufferId {
        self.buffers.pre_activation_gradients[id.index() - 1]
    }

    /// The only input of the node.
    fn input(&self) -> ValueId {
        self.node.inputs[0]
    }

    /// 1 where a later node has written the gradient of this input, to which the node adds; else 0.
    fn accumulates(&self, input: ValueId) -> u32 {
        self.spec.network.is_read_after(self.node, input).into()
    }

    /// The number of vec4s of a replica's parameters.
    fn parameters_stride(&self) -> u32 {
        self.spec.network.parameter_stride() as u32 / 4
    }
}
