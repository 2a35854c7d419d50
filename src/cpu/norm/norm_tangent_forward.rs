//! Twin of `shaders/norm/norm_tangent_forward.wgsl`.

use rayon::prelude::*;

use super::{ROWS_PER_TASK, add_products, add_row, gain_and_bias, row_of};
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_tangent};
use crate::cpu::array::optional_chunks;
use crate::kernels::NormTangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &NormTangentForward, arrays: &mut [Array; 8]) {
    let [
        slots,
        parameters,
        iterates,
        normalised,
        normalised_tangents,
        activations,
        tangents,
        pre_activation_tangents,
    ] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let (gain, _) = gain_and_bias(parameters.read(), params.offset, columns);
    let iterates = iterates.read::<f32>();
    let normalised = normalised.read::<f32>();
    let normalised_tangents = normalised_tangents.read::<f32>();
    let direction = |slot: usize| match slot {
        0 => Some(params.network_offset),
        _ if slot + 1 == params.slots as usize => Some(params.block_offset),
        _ => None,
    };
    let kept = activation.keeps_pre_activations();
    let argument_stride = if kept { columns } else { stride };
    let activations = activations.read::<f32>();
    let kept = kept.then(|| pre_activation_tangents.write::<f32>());
    let kept = optional_chunks(kept, params.slots as usize, rows * columns);
    let slots = slots.read::<ProbeSlot>().iter();
    let tangents = tangents.write::<f32>().chunks_mut(rows * stride);
    for (slot, ((state, tangents), kept)) in slots.zip(tangents).zip(kept).enumerate() {
        if state.status != SLOT_RUNNING {
            continue;
        }
        let direction = direction(slot).map(|offset| gain_and_bias(iterates, offset, columns));
        let kept = optional_chunks(kept, rows, columns);
        let tasks = tangents.par_chunks_mut(stride).zip(kept).enumerate();
        let tasks = tasks.with_min_len(ROWS_PER_TASK);
        tasks.for_each(|(row, (tangents, kept))| {
            let rz = &mut tangents[..columns];
            rz.fill(0.0);
            if slot < params.lower_slots as usize {
                let (rxhat, _) = row_of(normalised_tangents, slot * rows + row, columns);
                add_products(rz, gain, rxhat);
            }
            if let Some((rgain, rbias)) = direction {
                add_products(rz, rgain, row_of(normalised, row, columns).0);
                add_row(rz, rbias);
            }
            let arguments = &activations[row * argument_stride..][..argument_stride];
            write_tangent(activation, columns, arguments, tangents, kept);
        });
    }
}
