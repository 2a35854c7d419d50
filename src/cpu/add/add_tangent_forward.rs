//! Twin of `shaders/add/add_tangent_forward.wgsl`.

use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_tangent};
use crate::cpu::array::optional_chunks;
use crate::kernels::AddTangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &AddTangentForward, arrays: &mut [Array; 6]) {
    let [
        slots,
        left_tangents,
        right_tangents,
        activations,
        tangents,
        pre_activation_tangents,
    ] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let terms = [
        (left_tangents.read::<f32>(), params.left_slots),
        (right_tangents.read::<f32>(), params.right_slots),
    ];
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activation_tangents.write::<f32>());
    let kept = optional_chunks(kept, params.slots as usize, rows * columns);
    let slots = slots.read::<ProbeSlot>().iter();
    let tangents = tangents.write::<f32>().chunks_mut(rows * stride);
    for (slot, ((state, tangents), kept)) in slots.zip(tangents).zip(kept).enumerate() {
        if state.status != SLOT_RUNNING {
            continue;
        }
        for (row, tangents) in tangents.chunks_mut(stride).enumerate() {
            let rz = &mut tangents[..columns];
            rz.fill(0.0);
            for (term, reached) in terms {
                if slot < reached as usize {
                    let term = &term[(slot * rows + row) * columns..];
                    rz.iter_mut().zip(term).for_each(|(rz, term)| *rz += term);
                }
            }
        }
        write_tangent(activation, columns, activations.read(), tangents, kept);
    }
}
