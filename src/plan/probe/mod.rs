//! The plans of a probe. The first plan computes the statistics, the start vectors and the first product; another makes
//! one further iteration of all eigenproblems together; the last stores the iterates as vectors.
//!
//! Eigenproblem 0 is to find the dominant eigenvector of the whole network's Hessian, eigenproblem l that of the block
//! of layer l. A *slot* is the state of an eigenproblem; a *segment* is one node's share of its iterate.

mod buffers;
mod hvp;
mod lobpcg;
mod power;
mod schedule;
mod segments;
mod start;
mod statistics;

pub use buffers::{LobpcgBuffers, ProbeBuffers};
pub use schedule::ProbePlans;

pub(super) use segments::{ProbedNode, value_slots};

use super::buffers::Buffers;
use super::declare::BufferId;
use super::dispatch::{Dispatch, Plan};
use crate::kernels::{MeanNorm, Params};
use crate::network::{Node, ValueId};
use crate::probe::ProbeSpec;
use crate::spec::TrainingSpec;
use segments::{probed_nodes, stride};

/// Everything that the dispatches of a probe depend on.
pub(super) struct ProbeSite<'a> {
    pub(super) spec: &'a TrainingSpec,
    pub(super) probe: &'a ProbeSpec,
    pub(super) buffers: &'a Buffers,
    pub(super) probe_buffers: &'a ProbeBuffers,
    /// The nodes with parameters, in the order in which they run forward.
    pub(super) nodes: Vec<ProbedNode<'a>>,
}

pub(super) fn plans(
    spec: &TrainingSpec,
    probe: &ProbeSpec,
    buffers: &Buffers,
    probe_buffers: &ProbeBuffers,
) -> ProbePlans {
    let site = ProbeSite {
        spec,
        probe,
        buffers,
        probe_buffers,
        nodes: probed_nodes(spec, probe),
    };
    let plan = |name, dispatches| Plan { name, dispatches };
    let mut begin = statistics::pass(&site);
    begin.extend(statistics::statistics(&site));
    begin.extend(start::start(&site));
    begin.extend(power::iteration(&site));
    let (refresh, iterate) = match &probe_buffers.lobpcg {
        None => (None, power::iteration(&site)),
        Some(buffers) => (
            Some(plan("probe refresh", lobpcg::refresh(&site, buffers))),
            lobpcg::iteration(&site, buffers),
        ),
    };
    ProbePlans {
        begin: plan("probe begin", begin),
        refresh,
        iterate: plan("probe iterate", iterate),
        end: plan("probe end", start::end(&site)),
    }
}

impl ProbeSite<'_> {
    /// The number of eigenproblems: the network's, and one for each layer.
    pub(super) fn slots(&self) -> u32 {
        self.nodes.len() as u32 + 1
    }

    /// The number of slots that reach a value: the network's, and those of the blocks up to the node that makes it. The
    /// constants have none.
    pub(super) fn value_slots(&self, value: ValueId) -> u32 {
        value_slots(&self.spec.network, value)
    }

    /// The factor of f'' for a value: the tangents of its pre-activations where it keeps them, else those of its activations.
    pub(super) fn curvature_argument(&self, value: ValueId) -> BufferId {
        let (buffers, index) = (self.probe_buffers, value.index());
        buffers.pre_activation_tangents[index].unwrap_or(buffers.tangents[index])
    }

    /// The buffer to which the tangents of a value's pre-activations are written; a placeholder where it does not keep them.
    pub(super) fn kept_tangents(&self, value: ValueId) -> BufferId {
        let kept = self.probe_buffers.pre_activation_tangents[value.index()];
        kept.unwrap_or(self.buffers.placeholder)
    }

    /// A node with parameters, with its segments.
    pub(super) fn probed(&self, node: &Node) -> &ProbedNode<'_> {
        let index = node.block.expect("the node has a block");
        &self.nodes[index]
    }

    /// Computes the mean over the minibatch of the norms in `sample_norms`: the node's mean squared norm of per-sample
    /// gradients.
    pub(super) fn mean_norm(&self, node: &ProbedNode<'_>) -> Dispatch {
        let params = MeanNorm {
            batch: self.spec.batch,
            batch_rows: self.spec.batch_rows(),
            layer: node.index,
            layers: self.nodes.len() as u32,
        };
        let bound = [self.probe_buffers.sample_norms, self.probe_buffers.norms];
        Dispatch::new(params, bound, [1, 1])
    }

    fn segment_count(&self) -> u32 {
        2 * self.nodes.len() as u32
    }

    /// The number of vec4s of one replica's parameters.
    pub(super) fn parameters_stride(&self) -> u32 {
        self.spec.network.parameter_stride() as u32 / 4
    }

    /// The number of vec4s of one replica's iterates.
    pub(super) fn iterates_stride(&self) -> u32 {
        stride(&self.nodes) as u32
    }

    /// A dispatch in which each invocation handles one slot, 32 in a workgroup.
    fn each_slot<P: Params, const N: usize>(&self, params: P, buffers: [BufferId; N]) -> Dispatch {
        Dispatch::new(params, buffers, [self.slots().div_ceil(32), 1])
    }
}
