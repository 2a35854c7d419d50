//! Twin of `shaders/linear/linear_forward.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::LinearForward;

/// Some rows of the outputs, and the inputs of the same samples.
type Rows<'a> = (&'a mut [f32], &'a [f32]);

pub(crate) fn run(params: &LinearForward, arrays: &mut [Array; 4]) {
    let [parameters, inputs, outputs, pre_activations] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let layer = &parameters.read::<f32>()[params.offset as usize * 4..][..(rows + 1) * columns];
    let (weights, bias) = layer.split_at(rows * columns);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let forward = |((outputs, inputs), kept): (Rows<'_>, Option<&mut [f32]>)| {
        let samples = inputs.len() / rows;
        product(
            view_mut(outputs, samples, columns, stride),
            view(inputs, samples, rows, rows),
            view(weights, rows, columns, columns),
        );
        for output in outputs.chunks_mut(stride) {
            output.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
        }
        write_value(activation, columns, params.units as usize, outputs, kept);
    };
    let outputs = outputs.write::<f32>();
    let tasks = outputs.len().div_ceil(rows_per_task() * stride);
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activations.write::<f32>());
    let kept = optional_chunks(kept, tasks, rows_per_task() * columns);
    outputs
        .par_chunks_mut(rows_per_task() * stride)
        .zip(inputs.read::<f32>().par_chunks(rows_per_task() * rows))
        .zip(kept)
        .for_each(forward);
}
