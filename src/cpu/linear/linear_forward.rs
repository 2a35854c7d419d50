//! Twin of `shaders/linear/linear_forward.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::activation::{activate, from_number, relu};
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::LinearForward;
use crate::network::Activation;

pub(crate) fn run(params: &LinearForward, arrays: &mut [Array; 3]) {
    let [parameters, inputs, outputs] = arrays;
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let layer = &parameters.read::<f32>()[params.offset as usize * 4..][..(rows + 1) * columns];
    let (weights, bias) = layer.split_at(rows * columns);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let forward = |(outputs, inputs): (&mut [f32], &[f32])| {
        let samples = inputs.len() / rows;
        product(
            view_mut(outputs, samples, columns, stride),
            view(inputs, samples, rows, rows),
            view(weights, rows, columns, columns),
        );
        for output in outputs.chunks_mut(stride) {
            let (z, mirror) = output.split_at_mut(columns);
            z.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
            if activation == Activation::Crelu {
                mirror.iter_mut().zip(&*z).for_each(|(m, z)| *m = relu(-z));
            }
            activate(activation, z);
        }
    };
    outputs
        .write::<f32>()
        .par_chunks_mut(rows_per_task() * stride)
        .zip(inputs.read::<f32>().par_chunks(rows_per_task() * rows))
        .for_each(forward);
}
