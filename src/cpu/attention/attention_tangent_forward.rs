//! Twin of `shaders/attention/attention_tangent_forward.wgsl`.

use rayon::prelude::*;

use super::{Heads, VALUES};
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_tangent};
use crate::cpu::array::optional_chunks;
use crate::cpu::matrix::{add_product, product};
use crate::kernels::AttentionTangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &AttentionTangentForward, arrays: &mut [Array; 8]) {
    let [
        slots,
        inputs,
        input_tangents,
        weights,
        weight_tangents,
        activations,
        tangents,
        pre_activation_tangents,
    ] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let (columns, units) = (params.columns as usize, params.units as usize);
    let samples = params.batch_rows as usize;
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let keeps_z = activation.keeps_pre_activations();
    let argument_size = heads.positions * if keeps_z { columns } else { stride };
    let input_size = heads.positions * params.input_columns as usize;
    let matrices = heads.matrices();
    let inputs = inputs.read::<f32>();
    let input_tangents = input_tangents.read::<f32>();
    let weights = weights.read::<f32>();
    let weight_tangents = weight_tangents.read::<f32>();
    let activations = activations.read::<f32>();

    // Computes the rows of one sample of one slot.
    let forward = |(slot, sample, rows, kept): Task<'_>| {
        let slot_sample = slot * samples + sample;
        let inputs = &inputs[sample * input_size..][..input_size];
        let input_tangents = &input_tangents[slot_sample * input_size..][..input_size];
        let weights = &weights[sample * matrices..];
        let weight_tangents = &weight_tangents[(slot * 2 * samples + sample) * matrices..];
        for head in heads.each() {
            let values = heads.part(inputs, VALUES, head);
            let tangents = heads.matrix(weight_tangents, head);
            product(heads.part_mut(rows, 0, head), tangents, values);
            let value_tangents = heads.part(input_tangents, VALUES, head);
            let weights = heads.matrix(weights, head);
            add_product(heads.part_mut(rows, 0, head), weights, value_tangents);
        }
        for row in rows.chunks_mut(stride) {
            row[units..columns].fill(0.0);
        }
        let arguments = &activations[sample * argument_size..][..argument_size];
        write_tangent(activation, columns, arguments, rows, kept);
    };
    let states = slots.read::<ProbeSlot>();
    let kept = keeps_z.then(|| pre_activation_tangents.write::<f32>());
    let all = params.slots as usize * samples;
    let kept = optional_chunks(kept, all, heads.positions * columns);
    let rows = tangents.write::<f32>();
    let rows = rows.chunks_mut(heads.positions * stride);
    let tasks: Vec<_> = rows
        .zip(kept)
        .enumerate()
        .map(|(number, (rows, kept))| (number / samples, number % samples, rows, kept))
        .filter(|(slot, ..)| states[*slot].status == SLOT_RUNNING)
        .collect();
    tasks.into_par_iter().for_each(forward);
}

/// A slot, a sample, its rows of tangents and, where z is kept, those of its pre-activations.
type Task<'a> = (usize, usize, &'a mut [f32], Option<&'a mut [f32]>);
