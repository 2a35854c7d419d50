//! Twin of `shaders/norm/norm_forward.wgsl`.

use rayon::prelude::*;

use super::{ROWS_PER_TASK, gain_and_bias};
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::NormForward;

pub(crate) fn run(params: &NormForward, arrays: &mut [Array; 5]) {
    let [parameters, inputs, outputs, pre_activations, normalised] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let units = params.units as usize;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let (gain, bias) = gain_and_bias(parameters.read(), params.offset, columns);
    let kept = activation.keeps_pre_activations();
    let kept = optional_chunks(kept.then(|| pre_activations.write()), rows, columns);
    let inputs = inputs.read::<f32>().par_chunks(columns);
    let normalised = normalised.write::<f32>().par_chunks_mut(columns + 4);
    let outputs = outputs.write::<f32>().par_chunks_mut(stride);
    outputs
        .zip(inputs)
        .zip(normalised)
        .zip(kept)
        .with_min_len(ROWS_PER_TASK)
        .for_each(|(((output, x), normalised), kept)| {
            let rstd = normalise(params, &x[..units], &mut normalised[..units]);
            normalised[units..].fill(0.0);
            normalised[columns] = rstd;
            let z = output[..columns].iter_mut().zip(&*normalised);
            for ((z, xhat), (gain, bias)) in z.zip(gain.iter().zip(bias)) {
                *z = gain * xhat + bias;
            }
            write_value(activation, columns, units, output, kept);
        });
}

/// Normalises the units of a row and returns rstd.
fn normalise(params: &NormForward, x: &[f32], xhat: &mut [f32]) -> f32 {
    let mean = params.inverse_units * sum_in_lanes([x], |[x]| [x])[0];
    let [squares] = sum_in_lanes([x], |[x]| [(x - mean) * (x - mean)]);
    let rstd = 1.0 / (params.inverse_units * squares + params.epsilon).sqrt();
    for (xhat, x) in xhat.iter_mut().zip(x) {
        *xhat = rstd * (x - mean);
    }
    rstd
}
