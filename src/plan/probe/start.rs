//! The start of the iterations, from random vectors or from the last probe's eigenvectors, and their end, which stores
//! the eigenvectors.

use super::ProbeSite;
use super::segments::ProbedNode;
use crate::kernels::{PrimalCopy, ProbeReset, ProbeStart as StartParams};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::{Dispatch, longest_tensor, workgroups};
use crate::probe::ProbeStart;

/// Separates the start vectors of neighbouring probe seeds: 2^32 over the golden ratio.
const SEED_STEP: u32 = 0x9e37_79b9;

/// Computes the start vectors, the slots' initial states and the first iterates.
pub(super) fn start(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    let reset = Dispatch::new(
        ProbeReset {
            slots: site.slots(),
        },
        [
            site.buffers.states,
            site.probe_buffers.states,
            site.probe_buffers.slots,
        ],
        [1, 1],
    );
    let nodes = site.nodes.iter();
    let duals = nodes.flat_map(|node| node.op().dual_start(site, node));
    [start_vectors(site), reset]
        .into_iter()
        .chain(primal_copy(site, false))
        .chain(duals)
        .collect()
}

/// Stores every iterate in `vectors`; empty for cold starts, which do not read them.
pub(super) fn end(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    if site.probe.start == ProbeStart::Cold {
        return Vec::new();
    }
    let nodes = site.nodes.iter();
    let duals = nodes.flat_map(|node| node.op().dual_vectors(site, node));
    primal_copy(site, true).into_iter().chain(duals).collect()
}

/// Computes the start vectors of all eigenproblems.
fn start_vectors(site: &ProbeSite<'_>) -> Dispatch {
    let tensors = site.spec.network.tensors().len() as u32;
    let params = StartParams {
        stride: site.spec.network.parameter_stride() as u32,
        tensors,
        blocks: site.nodes.len() as u32,
        seed: site.probe.seed.wrapping_mul(SEED_STEP),
        cold: u32::from(site.probe.start == ProbeStart::Cold),
    };
    let bound = [
        site.buffers.configs,
        site.probe_buffers.slots,
        site.probe_buffers.segments,
        site.buffers.tensors,
        site.probe_buffers.vectors,
    ];
    let grid = [longest_tensor(&site.spec.network), 2 * tensors];
    Dispatch::new(params, bound, grid)
}

/// Copies the primal segments from `vectors` to the iterates, or back; `None` where all segments are dual.
fn primal_copy(site: &ProbeSite<'_>, to_vectors: bool) -> Option<Dispatch> {
    let segments = site.nodes.iter().flat_map(ProbedNode::segments);
    let primal = segments.filter(|segment| !segment.is_dual());
    let longest = primal.map(|segment| segment.length).max()?;
    let vectors = (site.probe_buffers.vectors, 2 * site.parameters_stride());
    let iterates = (site.probe_buffers.iterates, site.iterates_stride());
    let (source, destination): ((BufferId, u32), _) = match to_vectors {
        false => (vectors, iterates),
        true => (iterates, vectors),
    };
    let params = PrimalCopy {
        source_stride: source.1,
        destination_stride: destination.1,
        to_vectors: to_vectors.into(),
    };
    let bound = [site.probe_buffers.segments, source.0, destination.0];
    let grid = [workgroups::<PrimalCopy>(longest), site.segment_count()];
    Some(Dispatch::new(params, bound, grid))
}
