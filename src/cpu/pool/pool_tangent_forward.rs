//! Twin of `shaders/pool/pool_tangent_forward.wgsl`.

use rayon::prelude::*;

use super::pool;
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_tangent};
use crate::cpu::array::optional_chunks;
use crate::cpu::pool_line::Line;
use crate::kernels::PoolTangentForward;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &PoolTangentForward, arrays: &mut [Array; 6]) {
    let [
        slots,
        inputs,
        lower_tangents,
        activations,
        tangents,
        pre_activation_tangents,
    ] = arrays;
    let pool = pool!(params);
    let (columns, batch_rows) = (params.columns as usize, params.batch_rows as usize);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let windows = pool.windows.count();
    let argument_size = windows * activation.arguments(columns);
    let slots = slots.read::<ProbeSlot>();
    let inputs = inputs.read::<f32>();
    let lower = lower_tangents.read::<f32>();
    let arguments = activations.read::<f32>();
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activation_tangents.write::<f32>());
    let samples = batch_rows * params.slots as usize;
    let kept = optional_chunks(kept, samples, windows * columns);
    let tangents = tangents.write::<f32>().par_chunks_mut(windows * stride);
    let samples = tangents.zip(kept).enumerate();
    let scratch = || Line::new(&pool);
    samples.for_each_init(scratch, |line, (number, (tangents, kept))| {
        let (slot, sample) = (number / batch_rows, number % batch_rows);
        if slots[slot].status != SLOT_RUNNING {
            return;
        }
        let image = &inputs[sample * pool.image()..][..pool.image()];
        if slot < params.lower_slots as usize {
            let lower = &lower[number * pool.image()..][..pool.image()];
            let lines = tangents.chunks_mut(pool.windows.outputs[1] * stride);
            for (number, rows) in lines.enumerate() {
                let rows = rows.chunks_mut(stride).map(|row| &mut row[..columns]);
                pool.pack(line.tangents(&pool, number, (image, lower)), rows);
            }
        } else {
            let rows = tangents.chunks_mut(stride);
            rows.for_each(|row| row[..columns].fill(0.0));
        }
        let arguments = &arguments[sample * argument_size..][..argument_size];
        write_tangent(activation, columns, arguments, tangents, kept);
    });
}
