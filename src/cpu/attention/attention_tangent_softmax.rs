//! Twin of `shaders/attention/attention_tangent_softmax.wgsl`.

use rayon::prelude::*;

use super::{Heads, KEYS, QUERIES, dot};
use crate::cpu::Array;
use crate::cpu::matrix::{add_product, product};
use crate::kernels::AttentionTangentSoftmax;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &AttentionTangentSoftmax, arrays: &mut [Array; 5]) {
    let [slots, inputs, input_tangents, weights, weight_tangents] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let samples = params.batch_rows as usize;
    let input_size = heads.positions * params.input_columns as usize;
    let (inputs, weights) = (inputs.read::<f32>(), weights.read::<f32>());
    let forward = |(((target, tangents), inputs), weights): Task<'_>| {
        for head in heads.each() {
            let part = |rows, part| heads.part(rows, part, head);
            let keys = part(inputs, KEYS).transpose();
            product(
                heads.matrix_mut(target, head),
                part(tangents, QUERIES),
                keys,
            );
            let key_tangents = part(tangents, KEYS).transpose();
            add_product(
                heads.matrix_mut(target, head),
                part(inputs, QUERIES),
                key_tangents,
            );
        }
        let rows = target.chunks_mut(heads.positions);
        for (row, weights) in rows.zip(weights.chunks(heads.positions)) {
            let mean = dot(weights, row);
            for (tangent, weight) in row.iter_mut().zip(weights) {
                *tangent = params.scale * weight * (*tangent - mean);
            }
        }
    };
    let states = slots.read::<ProbeSlot>().iter();
    let input_tangents = input_tangents.read::<f32>();
    let targets = weight_tangents.write::<f32>();
    let targets = targets.chunks_mut(2 * samples * heads.matrices());
    let slots = targets.zip(input_tangents.chunks(samples * input_size));
    for (state, (target, tangents)) in states.zip(slots) {
        if state.status != SLOT_RUNNING {
            continue;
        }
        target
            .par_chunks_mut(heads.matrices())
            .zip(tangents.par_chunks(input_size))
            .zip(inputs.par_chunks(input_size))
            .zip(weights.par_chunks(heads.matrices()))
            .for_each(forward);
    }
}

/// A sample's tangents of matrices, tangents of its rows of the input, these rows, and its matrices.
type Task<'a> = (((&'a mut [f32], &'a [f32]), &'a [f32]), &'a [f32]);
