//! Twin of `shaders/pool/pool_forward.wgsl`.

use rayon::prelude::*;

use super::pool;
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::kernels::PoolForward;

pub(crate) fn run(params: &PoolForward, arrays: &mut [Array; 3]) {
    let [inputs, outputs, pre_activations] = arrays;
    let pool = pool!(params);
    let (columns, units) = (params.columns as usize, params.units as usize);
    let activation = from_number(params.activation);
    let stride = columns * activation.copies() as usize;
    let windows = pool.windows.count();
    let kept = activation.keeps_pre_activations();
    let kept = kept.then(|| pre_activations.write::<f32>());
    let kept = optional_chunks(kept, params.batch_rows as usize, windows * columns);
    let images = inputs.read::<f32>().par_chunks(pool.image());
    let outputs = outputs.write::<f32>().par_chunks_mut(windows * stride);
    let samples = outputs.zip(images).zip(kept);
    samples.for_each(|((outputs, image), kept)| {
        let kept = optional_chunks(kept, windows, columns);
        let rows = outputs.chunks_mut(stride).zip(kept).enumerate();
        for (number, (row, kept)) in rows {
            let (pooled, padding) = row[..columns].split_at_mut(units);
            pool.pool(image, number, pooled);
            padding.fill(0.0);
            write_value(activation, columns, units, row, kept);
        }
    });
}
