//! Twins of the kernels of layer normalisation.

mod norm_backward;
mod norm_backward_parameters;
mod norm_forward;
mod norm_gradient_norms;
mod norm_tangent;
mod norm_tangent_backward;
mod norm_tangent_backward_parameters;
mod norm_tangent_forward;

use rayon::prelude::*;

use super::twins;

twins! {
    norm_forward: NormForward,
    norm_backward: NormBackward,
    norm_backward_parameters: NormBackwardParameters,
    norm_tangent: NormTangent,
    norm_tangent_forward: NormTangentForward,
    norm_tangent_backward: NormTangentBackward,
    norm_tangent_backward_parameters: NormTangentBackwardParameters,
    norm_gradient_norms: NormGradientNorms,
}

/// The number of rows that one task of the thread pool handles. Sums over rows are over as many at a time, so that they do
/// not depend on the number of threads.
const ROWS_PER_TASK: usize = 64;

/// A row of gains and the row of biases after it, from vec4 `offset` on.
fn gain_and_bias(parameters: &[f32], offset: u32, columns: usize) -> (&[f32], &[f32]) {
    parameters[4 * offset as usize..][..2 * columns].split_at(columns)
}

/// A row of `normalised` or of `normalised_tangents`: its elements, and the number that follows them.
fn row_of(normalised: &[f32], row: usize, columns: usize) -> (&[f32], f32) {
    let row = &normalised[row * (columns + 4)..][..columns + 1];
    (&row[..columns], row[columns])
}

/// Sums over rows of what concerns gains and biases, `[gain, bias]` in one vector. `add` adds the terms of one row.
fn sums_over_rows(
    rows: usize,
    columns: usize,
    add: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) -> Vec<f32> {
    let piece = |first: usize| {
        let mut sums = vec![0.0; 2 * columns];
        let (gain, bias) = sums.split_at_mut(columns);
        (first..rows.min(first + ROWS_PER_TASK)).for_each(|row| add(row, gain, bias));
        sums
    };
    let pieces = (0..rows.div_ceil(ROWS_PER_TASK)).into_par_iter();
    let pieces: Vec<_> = pieces.map(|number| piece(number * ROWS_PER_TASK)).collect();
    pieces
        .into_iter()
        .reduce(|mut sums, piece| {
            sums.iter_mut().zip(piece).for_each(|(sum, p)| *sum += p);
            sums
        })
        .unwrap_or_else(|| vec![0.0; 2 * columns])
}

/// Adds the products of two rows to a row of sums.
fn add_products(sums: &mut [f32], left: &[f32], right: &[f32]) {
    for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
        *sum += left * right;
    }
}

/// Adds a row to a row of sums.
fn add_row(sums: &mut [f32], row: &[f32]) {
    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
}
