//! Twin of `shaders/pool/pool_forward.wgsl`.

use rayon::prelude::*;

use super::pool;
use crate::cpu::Array;
use crate::cpu::activation::{from_number, write_value};
use crate::cpu::array::optional_chunks;
use crate::cpu::pool_line::Line;
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
    let scratch = || Line::new(&pool);
    samples.for_each_init(scratch, |line, ((outputs, image), kept)| {
        let lines = outputs.chunks_mut(pool.windows.outputs[1] * stride);
        for (number, rows) in lines.enumerate() {
            let rows = rows.chunks_mut(stride).map(|row| &mut row[..columns]);
            pool.pack(line.pool(&pool, number, image), rows);
        }
        write_value(activation, columns, units, outputs, kept);
    });
}
