//! Power iteration, with or without momentum. LOBPCG starts with one such iteration.

use super::{ProbeSite, hvp};
use crate::kernels::{Params, ProbeDots, ProbeNormalise, ProbeUpdate};
use crate::plan::declare::BufferId;
use crate::plan::dispatch::Dispatch;
use crate::state::PARTIALS;

/// Multiplies the Hessian by the iterate, and computes the next iterate from the product.
pub(super) fn iteration(site: &ProbeSite<'_>) -> Vec<Dispatch> {
    let mut dispatches = measured_product(site, site.probe.tolerance);
    dispatches.push(normalise(site));
    dispatches
}

/// Multiplies the Hessian by the iterate, computes the Rayleigh quotient and the residual, and stops the iteration where the
/// residual is not above `tolerance`; at 0 it goes on.
pub(super) fn measured_product(site: &ProbeSite<'_>, tolerance: f32) -> Vec<Dispatch> {
    let buffers = site.probe_buffers;
    let mut dispatches = hvp::product(site, buffers.iterates);
    dispatches.push(dots(site, buffers.iterates));
    dispatches.push(site.each_slot(
        ProbeUpdate {
            layers: site.nodes.len() as u32,
            slots: site.slots(),
            tolerance,
            momentum: site.probe.power_momentum(),
        },
        [buffers.partials, buffers.slots],
    ));
    dispatches
}

/// Computes the partial sums over all segments of a product with `direction`.
pub(super) fn dots(site: &ProbeSite<'_>, direction: BufferId) -> Dispatch {
    let params = ProbeDots {
        stride: site.iterates_stride(),
        segments: site.segment_count(),
        slots: site.slots(),
        momentum: site.probe.power_momentum(),
    };
    let buffers = [
        site.probe_buffers.segments,
        site.probe_buffers.slots,
        direction,
        site.probe_buffers.products,
        site.probe_buffers.previous,
        site.probe_buffers.partials,
    ];
    Dispatch::new(params, buffers, [PARTIALS, site.segment_count()])
}

fn normalise(site: &ProbeSite<'_>) -> Dispatch {
    let params = ProbeNormalise {
        stride: site.iterates_stride(),
        slots: site.slots(),
        momentum: site.probe.power_momentum(),
    };
    let segments = site.nodes.iter().flat_map(|l| l.segments());
    let longest = segments.map(|segment| segment.size()).max().unwrap_or(0) as u32;
    let workgroups = longest.div_ceil(ProbeNormalise::KERNEL.plain.workgroup[0]);
    let buffers = [
        site.probe_buffers.segments,
        site.probe_buffers.slots,
        site.probe_buffers.products,
        site.probe_buffers.iterates,
        site.probe_buffers.previous,
    ];
    Dispatch::new(params, buffers, [workgroups, site.segment_count()])
}
