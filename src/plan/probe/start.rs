//! The start of the iterations, from random vectors or from the last probe's eigenvectors; and their end, which stores
//! the eigenvectors.

use super::segments::ProbedLayer;
use super::{ProbeSite, hvp};
use crate::kernels::{Params, PrimalCopy, ProbeReset, ProbeStart as StartParams};
use crate::network::Layer;
use crate::plan::{BufferId, Dispatch, dispatch};
use crate::probe::ProbeStart;
use crate::state::ProbeSegment;

/// Separates the start vectors of neighbouring probe seeds: 2^32 over the golden ratio.
const SEED_STEP: u32 = 0x9e37_79b9;

/// Start vectors, slots that are ready to iterate, and the first iterates.
pub(super) fn start(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    let vectors = site.layers.iter().flat_map(|l| {
        let segments = l.segments().into_iter();
        segments.map(|segment| start_vector(site, l, segment))
    });
    let reset = dispatch(
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
    let duals = (0..site.layers.len()).flat_map(|layer| hvp::dual_start(site, layer));
    vectors
        .chain([reset])
        .chain(primal_copy(site, false))
        .chain(duals)
        .collect()
}

/// Stores every iterate in `vectors`. A probe that starts cold needs none of them.
pub(super) fn end(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    if site.probe.start == ProbeStart::Cold {
        return Vec::new();
    }
    let duals = (0..site.layers.len()).flat_map(|layer| hvp::dual_vectors(site, layer));
    primal_copy(site, true).into_iter().chain(duals).collect()
}

fn start_vector(site: &ProbeSite<'_>, l: &ProbedLayer<'_>, segment: &ProbeSegment) -> Dispatch {
    let layer = l.layer;
    let slot = segment.slot;
    // Norm 1 over all layers of the slot: each pair of elements has the same norm, and so has an unpaired element.
    let pairs = |layer: &Layer| layer.parameters().div_ceil(2);
    let pairs = match slot {
        0 => site.spec.network.layers().iter().map(pairs).sum(),
        _ => pairs(layer),
    };
    let params = StartParams {
        vectors_stride: 2 * site.parameters_stride(),
        offset: segment.vector_offset,
        rows: layer.rows,
        columns: layer.columns,
        inputs: layer.inputs,
        outputs: layer.outputs,
        half_rows: layer.rows / layer.halves,
        half_inputs: layer.inputs / layer.halves,
        slot,
        slots: site.slots(),
        stream_index: slot * site.layers.len() as u32 + l.index,
        seed: site.probe.seed.wrapping_mul(SEED_STEP),
        cold: u32::from(site.probe.start == ProbeStart::Cold),
        magnitude: (1.0 / (pairs as f64).sqrt()) as f32,
    };
    let buffers = [
        site.buffers.configs,
        site.probe_buffers.slots,
        site.probe_buffers.vectors,
    ];
    let columns4 = layer.columns / 4;
    dispatch(params, buffers, [columns4.div_ceil(64), layer.rows + 1])
}

/// Copies the primal segments from `vectors` to the iterates, or back; nothing where all segments are dual.
fn primal_copy(site: &ProbeSite<'_>, to_vectors: bool) -> Option<Dispatch> {
    let segments = site.layers.iter().flat_map(ProbedLayer::segments);
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
    let workgroups = longest.div_ceil(PrimalCopy::KERNEL.plain.workgroup[0]);
    let buffers = [site.probe_buffers.segments, source.0, destination.0];
    Some(dispatch(
        params,
        buffers,
        [workgroups, site.segment_count()],
    ))
}
