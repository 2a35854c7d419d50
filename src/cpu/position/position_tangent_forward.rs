//! Twin of `shaders/position/position_tangent_forward.wgsl`.

use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_tangent};
use crate::cpu::array::optional_chunks;
use crate::kernels::PositionTangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &PositionTangentForward, arrays: &mut [Array; 6]) {
    let [
        slots,
        iterates,
        lower_tangents,
        activations,
        tangents,
        pre_activation_tangents,
    ] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let size = params.positions as usize * columns;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let iterates = iterates.read::<f32>();
    let lower_tangents = lower_tangents.read::<f32>();
    let direction = |slot: usize| match slot {
        0 => Some(params.network_offset),
        _ if slot + 1 == params.slots as usize => Some(params.block_offset),
        _ => None,
    };
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activation_tangents.write::<f32>());
    let kept = optional_chunks(kept, params.slots as usize, rows * columns);
    let slots = slots.read::<ProbeSlot>().iter();
    let tangents = tangents.write::<f32>().chunks_mut(rows * stride);
    for (slot, ((state, tangents), kept)) in slots.zip(tangents).zip(kept).enumerate() {
        if state.status != SLOT_RUNNING {
            continue;
        }
        let direction = direction(slot).map(|offset| &iterates[4 * offset as usize..][..size]);
        for (row, tangents) in tangents.chunks_mut(stride).enumerate() {
            let rz = &mut tangents[..columns];
            rz.fill(0.0);
            if slot < params.lower_slots as usize {
                rz.copy_from_slice(&lower_tangents[(slot * rows + row) * columns..][..columns]);
            }
            if let Some(embedding) = direction {
                let embedding = &embedding[row * columns % size..];
                rz.iter_mut().zip(embedding).for_each(|(rz, e)| *rz += e);
            }
        }
        write_tangent(activation, columns, activations.read(), tangents, kept);
    }
}
