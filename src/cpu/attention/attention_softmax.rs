//! Twin of `shaders/attention/attention_softmax.wgsl`.

use rayon::prelude::*;

use super::{Heads, KEYS, QUERIES};
use crate::cpu::Array;
use crate::cpu::matrix::product;
use crate::kernels::AttentionSoftmax;

pub(crate) fn run(params: &AttentionSoftmax, arrays: &mut [Array; 2]) {
    let [inputs, weights] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let row = params.input_columns as usize;
    let samples = inputs.read::<f32>().par_chunks(heads.positions * row);
    let weights = weights.write::<f32>().par_chunks_mut(heads.matrices());
    weights.zip(samples).for_each(|(weights, inputs)| {
        for head in heads.each() {
            let keys = heads.part(inputs, KEYS, head).transpose();
            let queries = heads.part(inputs, QUERIES, head);
            product(heads.matrix_mut(weights, head), queries, keys);
        }
        for row in weights.chunks_mut(heads.positions) {
            softmax(row, params.scale);
        }
    });
}

/// Replaces a row of products by the softmax of `scale` times them.
fn softmax(row: &mut [f32], scale: f32) {
    row.iter_mut().for_each(|product| *product *= scale);
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|x| *x = (*x - largest).exp());
    let total: f32 = row.iter().sum();
    row.iter_mut().for_each(|power| *power /= total);
}
