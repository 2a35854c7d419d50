//! Twin of `shaders/attention/attention_backward.wgsl`.

use rayon::prelude::*;

use super::{Heads, KEYS, QUERIES, VALUES};
use crate::cpu::Array;
use crate::cpu::matrix::add_product;
use crate::kernels::AttentionBackward;

pub(crate) fn run(params: &AttentionBackward, arrays: &mut [Array; 4]) {
    let [inputs, output_gradients, weights, input_gradients] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let input_row = params.input_columns as usize;
    let columns = params.columns as usize;
    let all = params.batch_rows as usize * heads.matrices();
    let (weights, gradients) = weights.read::<f32>().split_at(all);
    input_gradients
        .write::<f32>()
        .par_chunks_mut(heads.positions * input_row)
        .zip(inputs.read().par_chunks(heads.positions * input_row))
        .zip(
            output_gradients
                .read()
                .par_chunks(heads.positions * columns),
        )
        .zip(weights.par_chunks(heads.matrices()))
        .zip(gradients.par_chunks(heads.matrices()))
        .for_each(|((((below, inputs), above), weights), gradients)| {
            if params.accumulate == 0 {
                below.fill(0.0);
            }
            for head in heads.each() {
                let gradients = heads.matrix(gradients, head);
                let keys = heads.part(inputs, KEYS, head);
                add_product(heads.part_mut(below, QUERIES, head), gradients, keys);
                let queries = heads.part(inputs, QUERIES, head);
                let gradients = gradients.transpose();
                add_product(heads.part_mut(below, KEYS, head), gradients, queries);
                let weights = heads.matrix(weights, head).transpose();
                let above = heads.part(above, 0, head);
                add_product(heads.part_mut(below, VALUES, head), weights, above);
            }
        });
}
