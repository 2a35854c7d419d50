//! Twins of the kernels of the position embedding.

mod position_backward_parameters;
mod position_forward;
mod position_gradient_norms;
mod position_tangent_backward_parameters;
mod position_tangent_forward;

use super::twins;

twins! {
    position_forward: PositionForward,
    position_backward_parameters: PositionBackwardParameters,
    position_tangent_forward: PositionTangentForward,
    position_tangent_backward_parameters: PositionTangentBackwardParameters,
    position_gradient_norms: PositionGradientNorms,
}

/// Computes the sum of the first `batch` of equally long samples, in ascending order.
fn sum_of_samples(batch: u32, samples: &[f32], sum: &mut [f32]) {
    sum.fill(0.0);
    for sample in samples.chunks(sum.len()).take(batch as usize) {
        sum.iter_mut().zip(sample).for_each(|(sum, x)| *sum += x);
    }
}
