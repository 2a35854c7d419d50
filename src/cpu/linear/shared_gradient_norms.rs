//! Twin of `shaders/linear/shared_gradient_norms.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::layer_gradient::{bias_gradient, weights_gradient};
use crate::cpu::matrix::view;
use crate::cpu::reduce::norm_sq;
use crate::kernels::SharedGradientNorms;

pub(crate) fn run(params: &SharedGradientNorms, arrays: &mut [Array; 3]) {
    let [inputs, output_gradients, sample_norms] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let positions = params.positions as usize;
    let batch = params.batch as f32;
    let inputs = inputs.read::<f32>().par_chunks(positions * rows);
    let gradients = output_gradients.read::<f32>();
    let gradients = gradients.par_chunks(positions * columns);
    let norms = sample_norms.write::<f32>().par_iter_mut();
    norms
        .take(params.batch as usize)
        .zip(inputs.zip(gradients))
        .for_each_init(
            || vec![0.0; (rows + 1) * columns],
            |gradient, (norm, (a, d))| {
                sample_gradient(rows, columns, a, d, gradient);
                *norm = norm_sq(gradient, batch);
            },
        );
}

/// Computes a sample's gradient, whose last row is the bias's, from its rows of inputs and of gradients.
fn sample_gradient(rows: usize, columns: usize, a: &[f32], d: &[f32], gradient: &mut [f32]) {
    let positions = a.len() / rows;
    let (weights, bias) = gradient.split_at_mut(rows * columns);
    let above = view(d, positions, columns, columns);
    weights_gradient(columns, [(view(a, positions, rows, rows), above)], weights);
    bias_gradient(d, bias);
}
