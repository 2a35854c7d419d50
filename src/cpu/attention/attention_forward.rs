//! Twin of `shaders/attention/attention_forward.wgsl`.

use rayon::prelude::*;

use super::{Heads, VALUES};
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::cpu::matrix::product;
use crate::kernels::AttentionForward;

pub(crate) fn run(params: &AttentionForward, arrays: &mut [Array; 4]) {
    let [inputs, weights, outputs, pre_activations] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let (columns, units) = (params.columns as usize, params.units as usize);
    let samples = params.batch_rows as usize;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let forward = |(((rows, kept), inputs), weights): Task<'_>| {
        for head in heads.each() {
            let values = heads.part(inputs, VALUES, head);
            let weights = heads.matrix(weights, head);
            product(heads.part_mut(rows, 0, head), weights, values);
        }
        for row in rows.chunks_mut(stride) {
            row[units..columns].fill(0.0);
        }
        write_value(activation, columns, units, rows, kept);
    };
    let input_row = params.input_columns as usize;
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activations.write());
    outputs
        .write::<f32>()
        .par_chunks_mut(heads.positions * stride)
        .zip(optional_chunks(kept, samples, heads.positions * columns))
        .zip(inputs.read().par_chunks(heads.positions * input_row))
        .zip(weights.read().par_chunks(heads.matrices()))
        .for_each(forward);
}

/// A sample's rows of the output, those of its pre-activations where they are kept, its rows of the input, and its matrices.
type Task<'a> = (
    ((&'a mut [f32], Option<&'a mut [f32]>), &'a [f32]),
    &'a [f32],
);
