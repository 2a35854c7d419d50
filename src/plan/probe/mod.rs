//! A probe as a few plans: statistics, start vectors and the first product; one further iteration of all eigenproblems
//! together; and the end, which stores the iterates as vectors again.
//!
//! Eigenproblem 0 asks for the dominant eigenvector of the whole network's Hessian, eigenproblem l for that of the
//! block of layer l. A *slot* is the state of an eigenproblem; a *segment* is one layer's share of its iterate.

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

pub(super) use buffers::declare_buffers;

use super::{BufferId, Buffers, Dispatch, Plan, dispatch};
use crate::kernels::Params;
use crate::probe::ProbeSpec;
use crate::spec::TrainingSpec;
use segments::{ProbedLayer, probed_layers, stride};

/// Everything that the dispatches of a probe depend on.
struct ProbeSite<'a> {
    spec: &'a TrainingSpec,
    probe: &'a ProbeSpec,
    buffers: &'a Buffers,
    probe_buffers: &'a ProbeBuffers,
    layers: Vec<ProbedLayer<'a>>,
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
        layers: probed_layers(spec, probe),
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
    /// Eigenproblems: the network's and every layer's.
    fn slots(&self) -> u32 {
        self.layers.len() as u32 + 1
    }

    fn segment_count(&self) -> u32 {
        2 * self.layers.len() as u32
    }

    /// Vec4s of one replica's parameters.
    fn parameters_stride(&self) -> u32 {
        self.spec.network.parameter_stride() as u32 / 4
    }

    /// Vec4s of one replica's iterates.
    fn iterates_stride(&self) -> u32 {
        stride(&self.layers) as u32
    }

    /// A kernel whose invocations do one slot each, 32 in a workgroup.
    fn each_slot<P: Params, const N: usize>(&self, params: P, buffers: [BufferId; N]) -> Dispatch {
        dispatch(params, buffers, [self.slots().div_ceil(32), 1])
    }
}
