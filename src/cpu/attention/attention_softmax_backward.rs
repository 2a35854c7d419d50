//! Twin of `shaders/attention/attention_softmax_backward.wgsl`.

use rayon::prelude::*;

use super::{Heads, VALUES, dot};
use crate::cpu::Array;
use crate::cpu::matrix::product;
use crate::kernels::AttentionSoftmaxBackward;

pub(crate) fn run(params: &AttentionSoftmaxBackward, arrays: &mut [Array; 3]) {
    let [inputs, output_gradients, weights] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let input_row = params.input_columns as usize;
    let columns = params.columns as usize;
    let all = params.batch_rows as usize * heads.matrices();
    let (weights, gradients) = weights.write::<f32>().split_at_mut(all);
    gradients
        .par_chunks_mut(heads.matrices())
        .zip(weights.par_chunks(heads.matrices()))
        .zip(inputs.read().par_chunks(heads.positions * input_row))
        .zip(
            output_gradients
                .read()
                .par_chunks(heads.positions * columns),
        )
        .for_each(|(((gradients, weights), inputs), above)| {
            for head in heads.each() {
                let values = heads.part(inputs, VALUES, head).transpose();
                let above = heads.part(above, 0, head);
                product(heads.matrix_mut(gradients, head), above, values);
            }
            let rows = gradients.chunks_mut(heads.positions);
            for (row, weights) in rows.zip(weights.chunks(heads.positions)) {
                let mean = dot(weights, row);
                for (gradient, weight) in row.iter_mut().zip(weights) {
                    *gradient = params.scale * weight * (*gradient - mean);
                }
            }
        });
}
