//! Twin of `shaders/probe/probe_update.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::sum_of_slot;
use crate::kernels::ProbeUpdate;
use crate::state::{ProbeSlot, SLOT_CONVERGED, SLOT_DIVERGED, SLOT_RUNNING};

const LARGEST_RESIDUAL: f32 = 1e30;

pub(crate) fn run(params: &ProbeUpdate, arrays: &mut [Array; 2]) {
    let [partials, slots] = arrays;
    let partials = partials.read::<[f32; 4]>();
    for (number, slot) in slots.write::<ProbeSlot>().iter_mut().enumerate() {
        if slot.status == SLOT_RUNNING {
            let sums = sum_of_slot(partials, params.layers as usize, number);
            advance(params, slot, sums);
        }
    }
}

fn advance(params: &ProbeUpdate, slot: &mut ProbeSlot, sums: [f32; 4]) {
    let [xh, hh, rest, ph] = sums;
    slot.iterations += 1;
    if !sums.iter().all(|sum| sum.is_finite()) {
        slot.status = SLOT_DIVERGED;
        slot.has_vector = 0;
        return;
    }
    let last = std::mem::replace(&mut slot.eigenvalue, xh);
    if hh <= 0.0 {
        slot.eigenvalue = 0.0;
        slot.residual = 0.0;
        slot.status = SLOT_CONVERGED;
        slot.has_vector = 0;
        return;
    }
    let rest = (rest - (xh - last) * (xh - last)).max(0.0).sqrt();
    slot.residual = if rest < LARGEST_RESIDUAL * xh.abs() {
        rest / xh.abs()
    } else {
        LARGEST_RESIDUAL
    };
    let mut momentum = 0.25 * params.momentum * params.momentum * xh * xh * slot.scale;
    let mut norm_sq = hh - 2.0 * momentum * ph + momentum * momentum;
    if slot.iterations <= 2 || norm_sq <= 0.0 {
        momentum = 0.0;
        norm_sq = hh;
    }
    slot.momentum = momentum;
    slot.scale = 1.0 / norm_sq.sqrt();
    slot.has_vector = 1;
    if params.tolerance > 0.0 && slot.residual <= params.tolerance {
        slot.status = SLOT_CONVERGED;
    } else {
        slot.advanced += 1;
    }
}
