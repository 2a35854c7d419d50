//! Twin of `shaders/linear/gram.wgsl`.

use rayon::prelude::*;

use crate::cpu::Array;
use crate::cpu::matrix::{product, rows_per_task, view, view_mut};
use crate::kernels::Gram;

/// The matrix is symmetric: each task computes its rows up to the end of their diagonal block, and the rest is copied.
pub(crate) fn run(params: &Gram, arrays: &mut [Array; 2]) {
    let [inputs, gram] = arrays;
    let (rows, batch_rows) = (params.rows as usize, params.batch_rows as usize);
    let inputs = inputs.read::<f32>();
    let gram = gram.write::<f32>();
    let transposed = view(inputs, batch_rows, rows, rows).transpose();
    let one_task = |(task, (gram, inputs)): (usize, (&mut [f32], &[f32]))| {
        let samples = inputs.len() / rows;
        let columns = task * rows_per_task() + samples;
        product(
            view_mut(gram, samples, columns, batch_rows),
            view(inputs, samples, rows, rows),
            transposed.subcols(0, columns),
        );
        for row in gram.chunks_mut(batch_rows) {
            row[..columns].iter_mut().for_each(|k| *k += 1.0);
        }
    };
    gram.par_chunks_mut(rows_per_task() * batch_rows)
        .zip(inputs.par_chunks(rows_per_task() * rows))
        .enumerate()
        .for_each(one_task);
    let mut gram = view_mut(gram, batch_rows, batch_rows, batch_rows);
    for first in (rows_per_task()..batch_rows).step_by(rows_per_task()) {
        let samples = rows_per_task().min(batch_rows - first);
        let (_, above, below, _) = gram.as_mut().split_at_mut(first, first);
        let below = below.subrows_mut(0, samples);
        above.subcols_mut(0, samples).copy_from(below.transpose());
    }
}
