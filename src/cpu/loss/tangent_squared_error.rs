//! Twin of `shaders/loss/tangent_squared_error.wgsl`.

use crate::cpu::Array;
use crate::kernels::TangentSquaredError;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &TangentSquaredError, arrays: &mut [Array; 3]) {
    let [slots, tangents, tangent_gradients] = arrays;
    let columns = params.columns as usize;
    let (classes, batch) = (params.classes as usize, params.batch as usize);
    let slot_length = params.batch_rows as usize * columns;
    let tangents = tangents.read::<f32>().chunks(slot_length);
    let gradients = tangent_gradients.write::<f32>().chunks_mut(slot_length);
    let slots = slots
        .read::<ProbeSlot>()
        .iter()
        .zip(tangents.zip(gradients));
    let running = slots.filter(|(slot, _)| slot.status == SLOT_RUNNING);
    for (_, (tangents, gradients)) in running {
        gradients.fill(0.0);
        let samples = tangents.chunks(columns).zip(gradients.chunks_mut(columns));
        for (tangents, gradients) in samples.take(batch) {
            for (gradient, tangent) in gradients.iter_mut().zip(tangents).take(classes) {
                *gradient = 2.0 * tangent * params.inverse_count;
            }
        }
    }
}
