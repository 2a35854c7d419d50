//! Twin of `shaders/gram.wgsl`.

use rayon::prelude::*;

use super::Array;
use super::matrix::{ROWS_PER_TASK, product, view, view_mut};
use crate::kernels::Gram;

pub(crate) fn run(params: &Gram, arrays: &mut [Array; 2]) {
    let [inputs, gram] = arrays;
    let (rows, batch_rows) = (params.rows as usize, params.batch_rows as usize);
    let inputs = inputs.read::<f32>();
    let transposed = view(inputs, batch_rows, rows, rows).transpose();
    let one_task = |(gram, inputs): (&mut [f32], &[f32])| {
        let samples = inputs.len() / rows;
        product(
            view_mut(gram, samples, batch_rows, batch_rows),
            view(inputs, samples, rows, rows),
            transposed,
        );
        gram.iter_mut().for_each(|k| *k += 1.0);
    };
    gram.write::<f32>()
        .par_chunks_mut(ROWS_PER_TASK * batch_rows)
        .zip(inputs.par_chunks(ROWS_PER_TASK * rows))
        .for_each(one_task);
}
