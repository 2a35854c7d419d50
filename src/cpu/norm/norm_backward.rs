//! Twin of `shaders/norm/norm_backward.wgsl`.

use rayon::prelude::*;

use super::{ROWS_PER_TASK, gain_and_bias, row_of};
use crate::cpu::Array;
use crate::cpu::activation::{add_before, from_number, multiply_by_derivative};
use crate::cpu::array::optional_chunks;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::NormBackward;

pub(crate) fn run(params: &NormBackward, arrays: &mut [Array; 6]) {
    let [
        parameters,
        normalised,
        activations,
        output_gradients,
        value_gradients,
        input_gradients,
    ] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let units = params.units as usize;
    let activation = from_number(params.activation);
    let (gain, _) = gain_and_bias(parameters.read(), params.offset, columns);
    let normalised = normalised.read::<f32>();
    let kept = activation
        .is_curved()
        .then(|| value_gradients.write::<f32>());
    let kept = optional_chunks(kept, rows, columns);
    let activations = activations.read::<f32>().par_chunks(columns);
    let gradients = output_gradients.read::<f32>().par_chunks(columns);
    let below = input_gradients.write::<f32>().par_chunks_mut(columns);
    below
        .zip(activations)
        .zip(gradients)
        .zip(kept)
        .enumerate()
        .with_min_len(ROWS_PER_TASK)
        .for_each(|(row, (((below, x), d), kept))| {
            let before = (params.accumulate != 0).then(|| below.to_vec());
            let (xhat, rstd) = row_of(normalised, row, columns);
            let slices = [gain, d, xhat].map(|slice| &slice[..units]);
            let sums = sum_in_lanes(slices, |[gain, d, xhat]| [gain * d, gain * d * xhat]);
            let means = sums.map(|sum| params.inverse_units * sum);
            for (p, ((gain, d), xhat)) in below.iter_mut().zip(gain.iter().zip(d).zip(xhat)) {
                *p = rstd * (gain * d - means[0] - xhat * means[1]);
            }
            below[units..].fill(0.0);
            if let Some(kept) = kept {
                kept.copy_from_slice(below);
            }
            multiply_by_derivative(activation, columns, x, below);
            add_before(below, before);
        });
}
