//! Twin of `shaders/pool/pool_backward.wgsl`.

use rayon::prelude::*;

use super::pool;
use crate::cpu::Array;
use crate::cpu::activation::{add_before, from_number, pre_activation_gradient};
use crate::cpu::pool_line::Line;
use crate::kernels::PoolBackward;

pub(crate) fn run(params: &PoolBackward, arrays: &mut [Array; 4]) {
    let [inputs, pre_activations, output_gradients, input_gradients] = arrays;
    let pool = pool!(params);
    let columns = params.columns as usize;
    let activation = from_number(params.activation);
    let (width, positions) = (pool.width(), pool.windows.positions());
    let arguments = match activation.keeps_pre_activations() {
        true => pre_activations,
        false => &*inputs,
    };
    let arguments = arguments.read::<f32>();
    let arguments = arguments.par_chunks(positions * activation.arguments(width));
    let images = inputs.read::<f32>().par_chunks(pool.image());
    let above = output_gradients.read::<f32>();
    let above = above.par_chunks(pool.windows.count() * columns);
    let below = input_gradients.write::<f32>();
    let below = below.par_chunks_mut(positions * width);
    let samples = below.zip(images).zip(arguments.zip(above));
    let scratch = || (Line::new(&pool), vec![0.0; pool.image()]);
    samples.for_each_init(
        scratch,
        |(line, pixels), ((below, image), (arguments, above))| {
            let before = (params.accumulate != 0).then(|| below.to_vec());
            line.spread(&pool, image, (above, columns), pixels);
            pre_activation_gradient(activation, width, arguments, pixels, below);
            add_before(below, before);
        },
    );
}
