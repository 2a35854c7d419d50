//! Twin of `shaders/linear/linear_backward.wgsl`.

use rayon::prelude::*;

use super::linear_backward_weights::weight_gradient;
use crate::cpu::Array;
use crate::cpu::activation::{add_before, from_number, multiply_by_derivative, subtract_copies};
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::{LinearBackward, LinearBackwardWeights};

pub(crate) fn run(params: &LinearBackward, arrays: &mut [Array; 6]) {
    let [
        parameters,
        inputs,
        pre_activations,
        output_gradients,
        input_gradients,
        gradients,
    ] = arrays;
    let keeps_z = from_number(params.activation).keeps_pre_activations();
    let arguments = if keeps_z { pre_activations } else { &*inputs };
    input_gradient(
        params,
        parameters,
        arguments,
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

/// Computes the gradient of the input; `arguments` are those of the derivatives, z where it is kept and f(z) elsewhere.
fn input_gradient(
    params: &LinearBackward,
    parameters: &Array,
    arguments: &Array,
    output_gradients: &Array,
    input_gradients: &mut Array,
) {
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let weights = &parameters.read::<f32>()[params.offset as usize * 4..][..rows * columns];
    let activation = from_number(params.activation);
    let width = rows / activation.copies() as usize;
    let stride = match activation.keeps_pre_activations() {
        true => width,
        false => rows,
    };
    let backward = |((below, arguments), above): ((&mut [f32], &[f32]), &[f32])| {
        let samples = above.len() / columns;
        let before = (params.accumulate != 0).then(|| below.to_vec());
        let above = view(above, samples, columns, columns);
        let transposed = view(weights, rows, columns, columns).transpose();
        if activation.copies() == 2 {
            let mut both = vec![0.0; samples * rows];
            product(view_mut(&mut both, samples, rows, rows), above, transposed);
            multiply_by_derivative(activation, width, arguments, &mut both);
            subtract_copies(width, &both, below);
        } else {
            product(view_mut(below, samples, rows, rows), above, transposed);
            multiply_by_derivative(activation, width, arguments, below);
        }
        add_before(below, before);
    };
    input_gradients
        .write::<f32>()
        .par_chunks_mut(rows_per_task() * width)
        .zip(arguments.read::<f32>().par_chunks(rows_per_task() * stride))
        .zip(
            output_gradients
                .read::<f32>()
                .par_chunks(rows_per_task() * columns),
        )
        .for_each(backward);
}
