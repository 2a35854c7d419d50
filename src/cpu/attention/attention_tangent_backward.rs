//! Twin of `shaders/attention/attention_tangent_backward.wgsl`.

use rayon::prelude::*;

use super::{Heads, KEYS, QUERIES, VALUES};
use crate::cpu::Array;
use crate::cpu::matrix::add_product;
use crate::kernels::AttentionTangentBackward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &AttentionTangentBackward, arrays: &mut [Array; 8]) {
    let [
        slots,
        inputs,
        input_tangents,
        weights,
        weight_tangents,
        output_gradients,
        upper,
        lower,
    ] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let (samples, matrices) = (params.batch_rows as usize, heads.matrices());
    let input_size = heads.positions * params.input_columns as usize;
    let output_size = heads.positions * params.columns as usize;
    let inputs = inputs.read::<f32>();
    let input_tangents = input_tangents.read::<f32>();
    let (weights, gradients) = weights.read::<f32>().split_at(samples * matrices);
    let weight_tangents = weight_tangents.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();
    let upper = upper.read::<f32>();

    // Computes the rows of one sample of one slot.
    let backward = |(slot, sample, below): (usize, usize, &mut [f32])| {
        let slot_sample = slot * samples + sample;
        let inputs = &inputs[sample * input_size..][..input_size];
        let input_tangents = &input_tangents[slot_sample * input_size..][..input_size];
        let above = &output_gradients[sample * output_size..][..output_size];
        let upper = &upper[slot_sample * output_size..][..output_size];
        let weights = &weights[sample * matrices..];
        let gradients = &gradients[sample * matrices..];
        let first = slot * 2 * samples + sample;
        let weight_tangents_here = &weight_tangents[first * matrices..];
        let gradient_tangents = &weight_tangents[(first + samples) * matrices..];
        if params.accumulate == 0 {
            below.fill(0.0);
        }
        for head in heads.each() {
            let gradients = heads.matrix(gradients, head);
            let gradient_tangents = heads.matrix(gradient_tangents, head);
            let keys = heads.part(inputs, KEYS, head);
            let key_tangents = heads.part(input_tangents, KEYS, head);
            add_product(
                heads.part_mut(below, QUERIES, head),
                gradient_tangents,
                keys,
            );
            add_product(
                heads.part_mut(below, QUERIES, head),
                gradients,
                key_tangents,
            );
            let [gradients, gradient_tangents] =
                [gradients, gradient_tangents].map(|matrix| matrix.transpose());
            let queries = heads.part(inputs, QUERIES, head);
            let query_tangents = heads.part(input_tangents, QUERIES, head);
            add_product(
                heads.part_mut(below, KEYS, head),
                gradient_tangents,
                queries,
            );
            add_product(heads.part_mut(below, KEYS, head), gradients, query_tangents);
            let weights = heads.matrix(weights, head).transpose();
            let weight_tangents = heads.matrix(weight_tangents_here, head).transpose();
            let above = heads.part(above, 0, head);
            let upper = heads.part(upper, 0, head);
            add_product(heads.part_mut(below, VALUES, head), weight_tangents, above);
            add_product(heads.part_mut(below, VALUES, head), weights, upper);
        }
    };
    let states = slots.read::<ProbeSlot>();
    let rows = lower.write::<f32>().chunks_mut(input_size).enumerate();
    let tasks: Vec<_> = rows
        .map(|(number, rows)| (number / samples, number % samples, rows))
        .filter(|(slot, ..)| states[*slot].status == SLOT_RUNNING)
        .collect();
    tasks.into_par_iter().for_each(backward);
}
