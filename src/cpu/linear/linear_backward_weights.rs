//! Twin of `shaders/linear/linear_backward_weights.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::{WEIGHT_ROWS_PER_TASK, product, view, view_mut};
use crate::kernels::LinearBackwardWeights;

pub(crate) fn run(params: &LinearBackwardWeights, arrays: &mut [Array; 3]) {
    let [inputs, output_gradients, gradients] = arrays;
    weight_gradient(params, inputs, output_gradients, gradients);
}

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
    let (weights, bias) = layer.split_at_mut(rows * columns);
    let output_gradients = &output_gradients.read::<f32>()[..batch * columns];
    let above = view(output_gradients, batch, columns, columns);
    let below = view(inputs.read::<f32>(), batch, rows, rows).transpose();
    let backward = |(task, weights): (usize, &mut [f32])| {
        let task_rows = weights.len() / columns;
        let below = below.subrows(task * WEIGHT_ROWS_PER_TASK, task_rows);
        product(view_mut(weights, task_rows, columns, columns), below, above);
    };
    weights
        .par_chunks_mut(WEIGHT_ROWS_PER_TASK * columns)
        .enumerate()
        .for_each(backward);
    bias.fill(0.0);
    for sample in output_gradients.chunks(columns) {
        bias.iter_mut().zip(sample).for_each(|(bias, d)| *bias += d);
    }
}
