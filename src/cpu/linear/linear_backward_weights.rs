//! Twin of `shaders/linear/linear_backward_weights.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::layer_gradient::{bias_gradient, weights_gradient};
use crate::cpu::matrix::{WEIGHT_ROWS_PER_TASK, view};
use crate::kernels::LinearBackwardWeights;

pub(crate) fn run(params: &LinearBackwardWeights, arrays: &mut [Array; 3]) {
    let [inputs, output_gradients, gradients] = arrays;
    weight_gradient(params, inputs, output_gradients, gradients);
}

/// The number of rows, of samples or of positions, that one sum is over. Longer sums are computed in parts of so many rows by the
/// thread pool and added in the order of the rows, so that the result does not depend on the number of threads.
const ROWS_PER_SUM: usize = 4096;

/// Twin of `shaders/common/weight_gradient_plain.wgsl`.
pub(super) fn weight_gradient(
    params: &LinearBackwardWeights,
    inputs: &Array,
    output_gradients: &Array,
    gradients: &mut Array,
) {
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let batch = params.batch as usize;
    let layer = &mut gradients.write::<f32>()[params.offset as usize * 4..][..(rows + 1) * columns];
    let output_gradients = &output_gradients.read::<f32>()[..batch * columns];
    let inputs = &inputs.read::<f32>()[..batch * rows];
    if batch <= ROWS_PER_SUM {
        return part_of_gradient(rows, columns, inputs, output_gradients, layer);
    }
    let parts = output_gradients.par_chunks(ROWS_PER_SUM * columns);
    let parts = parts.zip(inputs.par_chunks(ROWS_PER_SUM * rows));
    let part = |(above, below): (&[f32], &[f32])| {
        let mut part = vec![0.0; layer.len()];
        part_of_gradient(rows, columns, below, above, &mut part);
        part
    };
    let parts: Vec<_> = parts.map(part).collect();
    layer.fill(0.0);
    for part in parts {
        layer
            .iter_mut()
            .zip(part)
            .for_each(|(sum, part)| *sum += part);
    }
}

/// Computes the gradient of weights and bias, `[rows + 1, columns]`, over some rows of inputs and of output gradients.
fn part_of_gradient(
    rows: usize,
    columns: usize,
    inputs: &[f32],
    output_gradients: &[f32],
    layer: &mut [f32],
) {
    let (weights, bias) = layer.split_at_mut(rows * columns);
    let batch = inputs.len() / rows;
    let above = view(output_gradients, batch, columns, columns);
    let below = view(inputs, batch, rows, rows);
    let backward = |(task, weights): (usize, &mut [f32])| {
        let task_rows = weights.len() / columns;
        let below = below.subcols(task * WEIGHT_ROWS_PER_TASK, task_rows);
        weights_gradient(columns, [(below, above)], weights);
    };
    weights
        .par_chunks_mut(WEIGHT_ROWS_PER_TASK * columns)
        .enumerate()
        .for_each(backward);
    bias_gradient(output_gradients, bias);
}
