//! Twin of `shaders/pool/pool_tangent_backward.wgsl`.

use rayon::prelude::*;

use super::pool;
use crate::cpu::Array;
use crate::cpu::activation::{add_before, add_curvature, from_number, pre_activation_gradient};
use crate::cpu::pool_line::Line;
use crate::kernels::PoolTangentBackward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &PoolTangentBackward, arrays: &mut [Array; 7]) {
    let [
        slots,
        inputs,
        pre_activations,
        lower_tangents,
        output_gradients,
        upper,
        lower,
    ] = arrays;
    let pool = pool!(params);
    let (columns, batch_rows) = (params.columns as usize, params.batch_rows as usize);
    let activation = from_number(params.activation);
    let (width, positions) = (pool.width(), pool.windows.positions());
    let argument_size = positions * activation.arguments(width);
    let pooled_size = pool.windows.count() * columns;
    let slots = slots.read::<ProbeSlot>();
    let arguments = match activation.keeps_pre_activations() {
        true => pre_activations,
        false => &*inputs,
    };
    let arguments = arguments.read::<f32>();
    let images = inputs.read::<f32>();
    let tangents = lower_tangents.read::<f32>();
    let gradients = output_gradients.read::<f32>();
    let upper = upper.read::<f32>();
    let size = positions * width;
    let samples = lower.write::<f32>().par_chunks_mut(size).enumerate();
    let scratch = || (Line::new(&pool), vec![0.0; pool.image()]);
    samples.for_each_init(scratch, |(line, pixels), (number, lower)| {
        let (slot, sample) = (number / batch_rows, number % batch_rows);
        if slots[slot].status != SLOT_RUNNING {
            return;
        }
        let image = &images[sample * pool.image()..][..pool.image()];
        let arguments = &arguments[sample * argument_size..][..argument_size];
        let before = (params.accumulate != 0).then(|| lower.to_vec());
        let rd = &upper[number * pooled_size..][..pooled_size];
        line.spread(&pool, image, (rd, columns), pixels);
        pre_activation_gradient(activation, width, arguments, pixels, lower);
        if activation.is_curved() {
            let d = &gradients[sample * pooled_size..][..pooled_size];
            let tangents = &tangents[number * size..][..size];
            line.spread(&pool, image, (d, columns), pixels);
            add_curvature(activation, width, arguments, tangents, pixels, lower);
        }
        add_before(lower, before);
    });
}
