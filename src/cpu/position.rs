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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Array;
    use crate::kernels::{
        PositionBackwardParameters, PositionForward, PositionGradientNorms,
        PositionTangentBackwardParameters, PositionTangentForward,
    };
    use crate::state::ProbeSlot;
    use bytemuck::Zeroable;

    const BATCH: usize = 2;
    const POSITIONS: usize = 3;
    /// The length of a sample of 3 units, which 4 columns hold.
    const SAMPLE: usize = 4 * POSITIONS;

    fn array(numbers: impl IntoIterator<Item = f32>) -> Array {
        Array::Own(numbers.into_iter().map(f32::to_bits).collect())
    }

    /// Small integers, all different, so that sums of a few are exact.
    fn numbers(first: usize, count: usize) -> Vec<f32> {
        (first..first + count).map(|i| i as f32).collect()
    }

    fn slots() -> Array {
        Array::Own(bytemuck::cast_slice(&[ProbeSlot::zeroed(); 3]).to_vec())
    }

    #[test]
    fn an_embedding_is_added_to_every_sample_and_its_gradient_is_a_sum_over_them() {
        let (x, e) = (numbers(1, 8 * SAMPLE), numbers(1000, SAMPLE));
        let params = PositionForward {
            parameters_stride: (SAMPLE + 4) as u32 / 4,
            offset: 1,
            batch_rows: 8 * POSITIONS as u32,
            positions: POSITIONS as u32,
            columns: 4,
            units: 3,
            activation: 0,
        };
        let parameters = array([&[0.0; 4][..], &e].concat());
        let outputs = array(vec![f32::NAN; 8 * SAMPLE]);
        let mut arrays = [parameters, array(x.clone()), outputs, Array::default()];
        position_forward::run(&params, &mut arrays);
        let wanted = x.iter().zip(e.iter().cycle()).map(|(x, e)| x + e);
        assert_eq!(arrays[2].read::<f32>(), wanted.collect::<Vec<_>>());

        let params = PositionBackwardParameters {
            parameters_stride: (SAMPLE + 4) as u32 / 4,
            offset: 1,
            batch: BATCH as u32,
            batch_rows: 8,
            positions: POSITIONS as u32,
            columns: 4,
        };
        let gradients = array(vec![-1.0; SAMPLE + 4]);
        let mut arrays = [array(x.clone()), gradients];
        position_backward_parameters::run(&params, &mut arrays);
        let sums: Vec<_> = (0..SAMPLE).map(|i| x[i] + x[i + SAMPLE]).collect();
        let wanted = [&[-1.0; 4][..], &sums].concat();
        assert_eq!(arrays[1].read::<f32>(), wanted);

        let params = PositionGradientNorms {
            columns: 4,
            batch: BATCH as u32,
            batch_rows: 8,
            positions: POSITIONS as u32,
        };
        let mut arrays = [array(x.clone()), array(vec![-1.0; 8])];
        position_gradient_norms::run(&params, &mut arrays);
        let norm = |sample: &[f32]| sample.iter().map(|d| 4.0 * d * d).sum::<f32>();
        let wanted: Vec<_> = x.chunks(SAMPLE).take(BATCH).map(norm).collect();
        assert_eq!(arrays[1].read::<f32>()[..BATCH], wanted);
        assert_eq!(arrays[1].read::<f32>()[BATCH..], [-1.0; 6]);
    }

    #[test]
    fn tangents_are_those_of_the_input_and_of_the_embedding() {
        // Slots: the network's, that of a block below, and the embedding's own.
        let (lower, directions) = (numbers(1, 2 * 8 * SAMPLE), numbers(1000, 2 * SAMPLE));
        let params = PositionTangentForward {
            batch_rows: 8 * POSITIONS as u32,
            positions: POSITIONS as u32,
            columns: 4,
            activation: 0,
            slots: 3,
            all_slots: 3,
            lower_slots: 2,
            iterates_stride: 2 * SAMPLE as u32 / 4,
            network_offset: 0,
            block_offset: SAMPLE as u32 / 4,
        };
        let mut arrays = [
            slots(),
            array(directions.clone()),
            array(lower.clone()),
            array(vec![0.0; 8 * SAMPLE]),
            array(vec![f32::NAN; 3 * 8 * SAMPLE]),
            Array::default(),
        ];
        position_tangent_forward::run(&params, &mut arrays);
        let wanted = (0..3 * 8 * SAMPLE).map(|i| {
            let of_input = lower.get(i).copied().unwrap_or(0.0);
            of_input
                + match i / (8 * SAMPLE) {
                    0 => directions[i % SAMPLE],
                    1 => 0.0,
                    _ => directions[SAMPLE + i % SAMPLE],
                }
        });
        let wanted: Vec<_> = wanted.collect();
        assert_eq!(arrays[4].read::<f32>(), wanted);

        let params = PositionTangentBackwardParameters {
            batch: BATCH as u32,
            batch_rows: 8,
            positions: POSITIONS as u32,
            columns: 4,
            slots: 3,
            all_slots: 3,
            products_stride: 2 * SAMPLE as u32 / 4,
            network_offset: 0,
            block_offset: SAMPLE as u32 / 4,
        };
        let products = array(vec![f32::NAN; 2 * SAMPLE]);
        let mut arrays = [slots(), array(wanted.clone()), products];
        position_tangent_backward_parameters::run(&params, &mut arrays);
        let sums = [0, 2].into_iter().flat_map(|slot| {
            let first = slot * 8 * SAMPLE;
            (first..first + SAMPLE).map(|i| wanted[i] + wanted[i + SAMPLE])
        });
        assert_eq!(arrays[2].read::<f32>(), sums.collect::<Vec<_>>());
    }
}
