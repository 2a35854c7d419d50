//! Twin of `shaders/position/position_tangent_backward_parameters.wgsl`.

use super::sum_of_samples;
use crate::cpu::Array;
use crate::kernels::PositionTangentBackwardParameters;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &PositionTangentBackwardParameters, arrays: &mut [Array; 3]) {
    let [slots, tangent_gradients, products] = arrays;
    let size = (params.positions * params.columns) as usize;
    let slots = slots.read::<ProbeSlot>();
    let tangent_gradients = tangent_gradients.read::<f32>();
    let products = products.write::<f32>();
    let own = params.slots as usize - 1;
    for (slot, offset) in [(0, params.network_offset), (own, params.block_offset)] {
        if slots[slot].status == SLOT_RUNNING {
            let samples = &tangent_gradients[slot * params.batch_rows as usize * size..];
            let products = &mut products[4 * offset as usize..][..size];
            sum_of_samples(params.batch, samples, products);
        }
    }
}
