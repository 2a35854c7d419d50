//! Twin of `shaders/loss/softmax_cross_entropy.wgsl`.

use crate::cpu::Array;
use crate::cpu::loss::store_batch_loss;
use crate::kernels::SoftmaxCrossEntropy;

pub(crate) fn run(params: &SoftmaxCrossEntropy, arrays: &mut [Array; 4]) {
    let [logits, labels, gradients, states] = arrays;
    let columns = params.columns as usize;
    let (classes, batch) = (params.classes as usize, params.batch as usize);
    let gradients = gradients.write::<f32>();
    gradients[batch * columns..].fill(0.0);
    let mut loss = 0.0;
    let mut correct = 0;
    let samples = logits
        .read::<f32>()
        .chunks(columns)
        .zip(gradients.chunks_mut(columns));
    for ((logits, gradients), label) in samples.zip(labels.read::<u32>()).take(batch) {
        let label = *label as usize;
        let prediction = first_largest(&logits[..classes]);
        loss += cross_entropy(&logits[..classes], logits[prediction], label, gradients);
        gradients
            .iter_mut()
            .for_each(|g| *g *= params.inverse_batch);
        correct += u32::from(prediction == label);
    }
    store_batch_loss(states, loss * params.inverse_batch, correct);
}

pub(crate) fn first_largest(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, c| if logits[c] > logits[best] { c } else { best })
}

/// Returns one sample's loss. Leaves softmax minus one-hot in `gradients`, with zeros in the padding.
fn cross_entropy(logits: &[f32], largest: f32, label: usize, gradients: &mut [f32]) -> f32 {
    let (probabilities, padding) = gradients.split_at_mut(logits.len());
    padding.fill(0.0);
    for (p, z) in probabilities.iter_mut().zip(logits) {
        *p = (z - largest).exp();
    }
    let total: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= total);
    probabilities[label] -= 1.0;
    total.ln() + largest - logits[label]
}
