//! Twin of `shaders/ritz_check.wgsl`.

use super::Array;
use super::reduce::sum_of_slot;
use crate::kernels::RitzCheck;
use crate::state::{ProbeSlot, SLOT_CONVERGED, SLOT_DIVERGED, SLOT_RUNNING};

pub(crate) fn run(params: &RitzCheck, arrays: &mut [Array; 2]) {
    let [partials, slots] = arrays;
    let partials = partials.read::<[f32; 4]>();
    for (number, slot) in slots.write::<ProbeSlot>().iter_mut().enumerate() {
        if slot.status != SLOT_RUNNING {
            continue;
        }
        let sums = sum_of_slot(partials, params.layers as usize, number);
        if !sums.iter().all(|sum| sum.is_finite()) {
            slot.status = SLOT_DIVERGED;
            slot.has_vector = 0;
            continue;
        }
        slot.residual = sums[0].max(0.0).sqrt();
        if params.tolerance > 0.0 && slot.residual <= params.tolerance {
            slot.status = SLOT_CONVERGED;
        }
    }
}
