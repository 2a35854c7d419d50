//! Twin of `shaders/linear/linear_backward_input.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::activation::{add_before, from_number, multiply_by_derivative};
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::LinearBackwardInput;

pub(crate) fn run(params: &LinearBackwardInput, arrays: &mut [Array; 4]) {
    let [parameters, activations, output_gradients, input_gradients] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let weights = &parameters.read::<f32>()[params.offset as usize * 4..][..rows * columns];
    let activation = from_number(params.activation);
    let width = rows / activation.copies() as usize;
    let stride = match activation.keeps_pre_activations() {
        true => width,
        false => rows,
    };
    let backward = |((below, activations), above): ((&mut [f32], &[f32]), &[f32])| {
        let samples = above.len() / columns;
        let before = (params.accumulate != 0).then(|| below.to_vec());
        let above = view(above, samples, columns, columns);
        let transposed = view(weights, rows, columns, columns).transpose();
        if activation.copies() == 2 {
            let mut both = vec![0.0; samples * rows];
            product(view_mut(&mut both, samples, rows, rows), above, transposed);
            multiply_by_derivative(activation, width, activations, &mut both);
            for (below, both) in below.chunks_mut(width).zip(both.chunks(rows)) {
                let (upper, mirror) = both.split_at(width);
                for ((below, upper), mirror) in below.iter_mut().zip(upper).zip(mirror) {
                    *below = upper - mirror;
                }
            }
        } else {
            product(view_mut(below, samples, rows, rows), above, transposed);
            multiply_by_derivative(activation, width, activations, below);
        }
        add_before(below, before);
    };
    input_gradients
        .write::<f32>()
        .par_chunks_mut(rows_per_task() * width)
        .zip(
            activations
                .read::<f32>()
                .par_chunks(rows_per_task() * stride),
        )
        .zip(
            output_gradients
                .read::<f32>()
                .par_chunks(rows_per_task() * columns),
        )
        .for_each(backward);
}
