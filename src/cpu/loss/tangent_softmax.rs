//! Twin of `shaders/loss/tangent_softmax.wgsl`.

use crate::cpu::Array;
use crate::cpu::loss::softmax_cross_entropy::first_largest;
use crate::kernels::TangentSoftmax;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &TangentSoftmax, arrays: &mut [Array; 4]) {
    let [slots, logits, tangents, tangent_gradients] = arrays;
    let columns = params.columns as usize;
    let (classes, batch) = (params.classes as usize, params.batch as usize);
    let slot_length = params.batch_rows as usize * columns;
    let tangents = tangents.read::<f32>();
    let gradients = tangent_gradients.write::<f32>();
    let slots = slots.read::<ProbeSlot>().iter().enumerate();
    let running: Vec<_> = slots
        .filter(|(_, slot)| slot.status == SLOT_RUNNING)
        .map(|(index, _)| index * slot_length)
        .collect();
    for start in &running {
        gradients[*start..][..slot_length].fill(0.0);
    }
    let mut probabilities = vec![0.0; classes];
    let samples = logits.read::<f32>().chunks(columns).take(batch);
    for (sample, logits) in samples.enumerate() {
        let largest = softmax(&logits[..classes], &mut probabilities);
        for start in &running {
            let at = start + sample * columns..start + sample * columns + classes;
            let (tangents, gradients) = (&tangents[at.clone()], &mut gradients[at]);
            let relative = tangents.iter().map(|t| t - tangents[largest]);
            let terms = probabilities.iter().zip(relative);
            let mean: f32 = terms.clone().map(|(p, t)| p * t).sum();
            for (gradient, (p, t)) in gradients.iter_mut().zip(terms) {
                *gradient = p * (t - mean) * params.inverse_batch;
            }
        }
    }
}

/// Fills `probabilities` and returns the most probable class.
fn softmax(logits: &[f32], probabilities: &mut [f32]) -> usize {
    let largest = first_largest(logits);
    for (p, z) in probabilities.iter_mut().zip(logits) {
        *p = (z - logits[largest]).exp();
    }
    let total: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
    largest
}
