//! Twin of `shaders/attention/attention_tangent_softmax_backward.wgsl`.

use rayon::prelude::*;

use super::{Heads, VALUES, dot};
use crate::cpu::Array;
use crate::cpu::matrix::{add_product, product};
use crate::cpu::reduce::sum_in_lanes;
use crate::kernels::AttentionTangentSoftmaxBackward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &AttentionTangentSoftmaxBackward, arrays: &mut [Array; 7]) {
    let [
        slots,
        inputs,
        input_tangents,
        weights,
        output_gradients,
        upper,
        weight_tangents,
    ] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let (samples, matrices) = (params.batch_rows as usize, heads.matrices());
    let input_size = heads.positions * params.input_columns as usize;
    let output_size = heads.positions * params.columns as usize;
    let inputs = inputs.read::<f32>();
    let input_tangents = input_tangents.read::<f32>();
    let weights = weights.read::<f32>();
    let output_gradients = output_gradients.read::<f32>();
    let upper = upper.read::<f32>();

    // Computes the matrices of one sample of one slot.
    let backward = |(slot, sample, target, tangents): Task<'_>| {
        let slot_sample = slot * samples + sample;
        let inputs = &inputs[sample * input_size..][..input_size];
        let input_tangents = &input_tangents[slot_sample * input_size..][..input_size];
        let above = &output_gradients[sample * output_size..][..output_size];
        let upper = &upper[slot_sample * output_size..][..output_size];
        let weights = &weights[sample * matrices..][..matrices];
        let mut gradients = vec![0.0; matrices];
        for head in heads.each() {
            let values = heads.part(inputs, VALUES, head).transpose();
            let value_tangents = heads.part(input_tangents, VALUES, head).transpose();
            let above = heads.part(above, 0, head);
            product(heads.matrix_mut(&mut gradients, head), above, values);
            let upper = heads.part(upper, 0, head);
            product(heads.matrix_mut(target, head), upper, values);
            add_product(heads.matrix_mut(target, head), above, value_tangents);
        }
        let rows = target.chunks_mut(heads.positions);
        let rows = rows.zip(gradients.chunks(heads.positions));
        let rows = rows.zip(weights.chunks(heads.positions));
        for (((row, gradients), weights), tangents) in rows.zip(tangents.chunks(heads.positions)) {
            let mean = dot(weights, gradients);
            let terms = row
                .iter_mut()
                .zip(weights)
                .zip(tangents.iter().zip(gradients));
            for ((tangent, weight), (weight_tangent, gradient)) in terms {
                *tangent = weight_tangent * gradient + weight * *tangent;
            }
            let [mean_tangent] = sum_in_lanes([row], |[both]| [both]);
            for ((tangent, weight), weight_tangent) in row.iter_mut().zip(weights).zip(tangents) {
                let means = weight_tangent * mean + weight * mean_tangent;
                *tangent = params.scale * (*tangent - means);
            }
        }
    };
    let states = slots.read::<ProbeSlot>().iter();
    let all = weight_tangents.write::<f32>();
    let all = all.chunks_mut(2 * samples * matrices).enumerate();
    let running = all
        .zip(states)
        .filter(|(_, state)| state.status == SLOT_RUNNING);
    let tasks: Vec<_> = running
        .flat_map(|((slot, both), _)| {
            let (tangents, targets) = both.split_at_mut(samples * matrices);
            let targets = targets.chunks_mut(matrices);
            let pairs = targets.zip(tangents.chunks(matrices)).enumerate();
            pairs.map(move |(sample, (target, tangents))| (slot, sample, target, tangents))
        })
        .collect();
    tasks.into_par_iter().for_each(backward);
}

/// A slot, a sample, its matrices RdS, which are computed, and its matrices RA.
type Task<'a> = (usize, usize, &'a mut [f32], &'a [f32]);
