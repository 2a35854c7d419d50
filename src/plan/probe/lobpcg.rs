//! LOBPCG with one vector and without a preconditioner: Rayleigh-Ritz in the span of the iterate, its residual and the
//! previous direction.

use super::{LobpcgBuffers, ProbeSite, hvp, power};
use crate::kernels::{LobpcgCheck, LobpcgCombine, LobpcgSolve, LobpcgStart};
use crate::plan::dispatch::Dispatch;
use crate::state::PARTIALS;

/// Multiplies the Hessian by the iterate, and computes the next direction from the product. Whether the iteration stops is
/// left to [`check`], which also looks at the other end of the spectrum.
pub(super) fn refresh(site: &ProbeSite<'_>, buffers: &LobpcgBuffers) -> Vec<Dispatch> {
    let mut dispatches = power::measured_product(site, 0.0);
    dispatches.push(start(site, buffers));
    dispatches.push(check(site, buffers));
    dispatches
}

/// Multiplies the Hessian by the direction, and computes the next iterate and direction from the product.
pub(super) fn iteration(site: &ProbeSite<'_>, buffers: &LobpcgBuffers) -> Vec<Dispatch> {
    let mut dispatches = hvp::product(site, buffers.directions);
    dispatches.extend([
        power::dots(site, buffers.directions),
        solve(site, buffers),
        combine(site, buffers),
        check(site, buffers),
    ]);
    dispatches
}

fn start(site: &ProbeSite<'_>, buffers: &LobpcgBuffers) -> Dispatch {
    let params = LobpcgStart {
        stride: site.iterates_stride(),
        segments: site.segment_count(),
        slots: site.slots(),
    };
    let buffers = [
        site.probe_buffers.segments,
        site.probe_buffers.slots,
        site.probe_buffers.iterates,
        site.probe_buffers.products,
        buffers.directions,
        site.probe_buffers.previous,
        buffers.previous_products,
        buffers.partials,
    ];
    Dispatch::new(params, buffers, [PARTIALS, site.segment_count()])
}

fn solve(site: &ProbeSite<'_>, buffers: &LobpcgBuffers) -> Dispatch {
    let params = LobpcgSolve {
        layers: site.nodes.len() as u32,
        slots: site.slots(),
    };
    let buffers = [
        site.probe_buffers.partials,
        buffers.partials,
        site.probe_buffers.slots,
        buffers.steps,
    ];
    site.each_slot(params, buffers)
}

fn combine(site: &ProbeSite<'_>, buffers: &LobpcgBuffers) -> Dispatch {
    let params = LobpcgCombine {
        stride: site.iterates_stride(),
        segments: site.segment_count(),
        slots: site.slots(),
    };
    let buffers = [
        site.probe_buffers.segments,
        buffers.steps,
        site.probe_buffers.products,
        site.probe_buffers.iterates,
        buffers.directions,
        site.probe_buffers.previous,
        buffers.previous_products,
        buffers.partials,
    ];
    Dispatch::new(params, buffers, [PARTIALS, site.segment_count()])
}

fn check(site: &ProbeSite<'_>, buffers: &LobpcgBuffers) -> Dispatch {
    let params = LobpcgCheck {
        layers: site.nodes.len() as u32,
        slots: site.slots(),
        tolerance: site.probe.tolerance,
    };
    let buffers = [buffers.partials, buffers.steps, site.probe_buffers.slots];
    site.each_slot(params, buffers)
}
