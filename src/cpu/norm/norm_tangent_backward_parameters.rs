//! Twin of `shaders/norm/norm_tangent_backward_parameters.wgsl`.

use super::{add_products, add_row, row_of, sums_over_rows};
use crate::cpu::Array;
use crate::kernels::NormTangentBackwardParameters;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &NormTangentBackwardParameters, arrays: &mut [Array; 6]) {
    let [
        slots,
        normalised,
        normalised_tangents,
        output_gradients,
        tangent_gradients,
        products,
    ] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let slots = slots.read::<ProbeSlot>();
    let normalised = normalised.read::<f32>();
    let normalised_tangents = normalised_tangents.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();
    let tangent_gradients = tangent_gradients.read::<f32>();
    let own = params.slots as usize - 1;
    for (slot, offset) in [(0, params.network_offset), (own, params.block_offset)] {
        if slots[slot].status != SLOT_RUNNING {
            continue;
        }
        let sums = sums_over_rows(params.batch as usize, columns, |row, gain, bias| {
            let rd = &tangent_gradients[(slot * rows + row) * columns..][..columns];
            add_products(gain, rd, row_of(normalised, row, columns).0);
            add_row(bias, rd);
            if slot < params.lower_slots as usize {
                let d = &output_gradients[row * columns..][..columns];
                let (rxhat, _) = row_of(normalised_tangents, slot * rows + row, columns);
                add_products(gain, d, rxhat);
            }
        });
        let products = &mut products.write::<f32>()[4 * offset as usize..];
        products[..2 * columns].copy_from_slice(&sums);
    }
}
