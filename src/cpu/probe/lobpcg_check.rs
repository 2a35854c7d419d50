//! Twin of `shaders/probe/lobpcg_check.wgsl`.

use crate::cpu::Array;
use crate::cpu::reduce::sum_of_slot;
use crate::kernels::LobpcgCheck;
use crate::state::{CONTESTED, LobpcgStep, ProbeSlot, SLOT_CONVERGED, SLOT_DIVERGED, SLOT_RUNNING};

const MARGIN: f32 = 4.0;
const LARGEST_RESIDUAL: f32 = 1e30;

pub(crate) fn run(params: &LobpcgCheck, arrays: &mut [Array; 3]) {
    let [partials, steps, slots] = arrays;
    let partials = partials.read::<[f32; 4]>();
    let slots = slots.write::<ProbeSlot>().iter_mut();
    for (number, (slot, step)) in slots.zip(steps.read::<LobpcgStep>()).enumerate() {
        if slot.status != SLOT_RUNNING {
            continue;
        }
        let sums = sum_of_slot(partials, params.layers as usize, number);
        if !sums.iter().all(|sum| sum.is_finite()) {
            slot.status = SLOT_DIVERGED;
            slot.has_vector = 0;
            continue;
        }
        let rest = sums[0].max(0.0).sqrt();
        let lambda = slot.eigenvalue;
        let size = slot.scale * lambda.abs();
        slot.residual = if rest < LARGEST_RESIDUAL * size {
            rest / size
        } else {
            LARGEST_RESIDUAL
        };
        let [_, _, wp, w_hp] = sums;
        let has_p = wp != 0.0 || w_hp != 0.0;
        let other = if has_p {
            -lambda.signum() * step.curvature
        } else {
            0.0
        };
        let is_contested = other > CONTESTED * lambda.abs()
            && (other - lambda.abs()) * rest + MARGIN * w_hp.abs() > 0.0;
        if params.tolerance > 0.0 && slot.residual <= params.tolerance && !is_contested {
            slot.status = SLOT_CONVERGED;
        }
    }
}
