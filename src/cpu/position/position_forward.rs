//! Twin of `shaders/position/position_forward.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::kernels::PositionForward;

pub(crate) fn run(params: &PositionForward, arrays: &mut [Array; 4]) {
    let [parameters, inputs, outputs, pre_activations] = arrays;
    let (rows, columns) = (params.batch_rows as usize, params.columns as usize);
    let (positions, units) = (params.positions as usize, params.units as usize);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let embedding = &parameters.read::<f32>()[4 * params.offset as usize..];
    let samples = rows / positions;
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activations.write());
    let kept = optional_chunks(kept, samples, positions * columns);
    let inputs = inputs.read::<f32>().par_chunks(positions * columns);
    let outputs = outputs.write::<f32>().par_chunks_mut(positions * stride);
    outputs
        .zip(inputs)
        .zip(kept)
        .for_each(|((outputs, inputs), kept)| {
            let kept = optional_chunks(kept, positions, columns);
            let terms = inputs.chunks(columns).zip(embedding.chunks(columns));
            for ((output, (x, e)), kept) in outputs.chunks_mut(stride).zip(terms).zip(kept) {
                for ((z, x), e) in output.iter_mut().zip(x).zip(e) {
                    *z = x + e;
                }
                write_value(activation, columns, units, output, kept);
            }
        });
}
