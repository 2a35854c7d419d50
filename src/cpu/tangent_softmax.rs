//! Twin of `shaders/tangent_softmax.wgsl`.

use super::Array;
use super::softmax_cross_entropy::first_largest;
use crate::kernels::TangentSoftmax;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &TangentSoftmax, arrays: &mut [Array; 4]) {
    let [slots, logits, tangents, tangent_gradients] = arrays;
    let columns = params.columns as usize;
    let (classes, batch) = (params.classes as usize, params.batch as usize);
    let slot_length = params.batch_rows as usize * columns;
    let per_slot = tangents
        .read::<f32>()
        .chunks(slot_length)
        .zip(tangent_gradients.write::<f32>().chunks_mut(slot_length))
        .zip(slots.read::<ProbeSlot>());
    for ((tangents, gradients), _) in per_slot.filter(|(_, slot)| slot.status == SLOT_RUNNING) {
        gradients.fill(0.0);
        let samples = logits
            .read::<f32>()
            .chunks(columns)
            .zip(tangents.chunks(columns))
            .zip(gradients.chunks_mut(columns));
        for ((logits, tangents), gradients) in samples.take(batch) {
            let gradients = &mut gradients[..classes];
            tangent(&logits[..classes], &tangents[..classes], gradients);
            gradients
                .iter_mut()
                .for_each(|g| *g *= params.inverse_batch);
        }
    }
}

/// p (t - p . t), with t relative to that of the most probable class.
fn tangent(logits: &[f32], tangents: &[f32], gradients: &mut [f32]) {
    let largest = first_largest(logits);
    let mut total = 0.0;
    let mut mean = 0.0;
    for ((gradient, logit), t) in gradients.iter_mut().zip(logits).zip(tangents) {
        *gradient = (logit - logits[largest]).exp();
        total += *gradient;
        mean += *gradient * (t - tangents[largest]);
    }
    mean /= total;
    for (gradient, t) in gradients.iter_mut().zip(tangents) {
        *gradient = *gradient / total * (t - tangents[largest] - mean);
    }
}
