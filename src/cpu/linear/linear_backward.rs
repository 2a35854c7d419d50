//! Twin of `shaders/linear/linear_backward.wgsl`.

use rayon::prelude::*;

use super::linear_backward_weights::weight_gradient;
use crate::cpu::Array;
use crate::cpu::activation::{from_number, multiply_by_derivative};
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::{LinearBackward, LinearBackwardWeights};
use crate::network::Activation;

pub(crate) fn run(params: &LinearBackward, arrays: &mut [Array; 5]) {
    let [
        parameters,
        inputs,
        output_gradients,
        input_gradients,
        gradients,
    ] = arrays;
    input_gradient(
        params,
        parameters,
        inputs,
        output_gradients,
        input_gradients,
    );
    let params = LinearBackwardWeights {
        parameters_stride: params.parameters_stride,
        offset: params.offset,
        rows: params.rows,
        columns: params.columns,
        batch: params.batch,
        batch_rows: params.batch_rows,
    };
    weight_gradient(&params, inputs, output_gradients, gradients);
}

fn input_gradient(
    params: &LinearBackward,
    parameters: &Array,
    inputs: &Array,
    output_gradients: &Array,
    input_gradients: &mut Array,
) {
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let weights = &parameters.read::<f32>()[params.offset as usize * 4..][..rows * columns];
    let activation = from_number(params.activation);
    let width = rows / activation.copies() as usize;
    let backward = |((below, inputs), above): ((&mut [f32], &[f32]), &[f32])| {
        let samples = above.len() / columns;
        let above = view(above, samples, columns, columns);
        let transposed = view(weights, rows, columns, columns).transpose();
        if activation == Activation::Crelu {
            let mut both = vec![0.0; samples * rows];
            product(view_mut(&mut both, samples, rows, rows), above, transposed);
            multiply_by_derivative(activation, inputs, &mut both);
            for (below, both) in below.chunks_mut(width).zip(both.chunks(rows)) {
                let (upper, mirror) = both.split_at(width);
                for ((below, upper), mirror) in below.iter_mut().zip(upper).zip(mirror) {
                    *below = upper - mirror;
                }
            }
        } else {
            product(view_mut(below, samples, rows, rows), above, transposed);
            multiply_by_derivative(activation, inputs, below);
        }
    };
    input_gradients
        .write::<f32>()
        .par_chunks_mut(rows_per_task() * width)
        .zip(inputs.read::<f32>().par_chunks(rows_per_task() * rows))
        .zip(
            output_gradients
                .read::<f32>()
                .par_chunks(rows_per_task() * columns),
        )
        .for_each(backward);
}
