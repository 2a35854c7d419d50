//! Twin of `shaders/linear/dual_start.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::DualStart;
use crate::state::{ProbeSlot, SLOT_RUNNING};

pub(crate) fn run(params: &DualStart, arrays: &mut [Array; 4]) {
    let [slots, inputs, vectors, iterates] = arrays;
    let slots = slots.read::<ProbeSlot>();
    let (rows, columns) = (params.rows as usize, params.columns as usize);
    let size = params.batch_rows as usize * columns;
    for slot in params.first_dual..params.slots {
        if slots[slot as usize].status != SLOT_RUNNING {
            continue;
        }
        let (vector, delta) = match slot {
            0 => (params.network_vector, params.network_offset),
            _ => (params.block_vector, params.block_offset),
        };
        let vector = &vectors.read::<f32>()[vector as usize * 4..][..(rows + 1) * columns];
        let (weights, bias) = vector.split_at(rows * columns);
        let segment = &mut iterates.write::<f32>()[delta as usize * 4..][..2 * size];
        let (delta, image) = segment.split_at_mut(size);
        delta.fill(0.0);
        let forward = |(z, a): (&mut [f32], &[f32])| {
            let samples = a.len() / rows;
            product(
                view_mut(z, samples, columns, columns),
                view(a, samples, rows, rows),
                view(weights, rows, columns, columns),
            );
            for z in z.chunks_mut(columns) {
                z.iter_mut().zip(bias).for_each(|(z, b)| *z += b);
            }
        };
        image
            .par_chunks_mut(rows_per_task() * columns)
            .zip(inputs.read::<f32>().par_chunks(rows_per_task() * rows))
            .for_each(forward);
    }
}
