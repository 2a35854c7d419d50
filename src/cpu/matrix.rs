//! Matrix products on row-major slices, single-threaded, by faer (a safe front of gemm).

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// The number of rows of a gradient of weights that one task of the thread pool computes.
pub(crate) const WEIGHT_ROWS_PER_TASK: usize = 128;

/// The number of rows of a minibatch that one task of the thread pool computes. Every task packs the whole right factor,
/// so that two threads are faster with large tasks. More threads need small tasks, or one replica would leave some idle.
/// The results do not depend on this number.
pub(crate) fn rows_per_task() -> usize {
    if rayon::current_num_threads() <= 2 {
        128
    } else {
        64
    }
}

/// A row-major matrix in a slice: `rows` rows of `columns` elements, `stride` apart.
pub(crate) fn view(slice: &[f32], rows: usize, columns: usize, stride: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(&slice[..rows * stride], rows, stride).subcols(0, columns)
}

/// A row-major matrix in a slice, for writing; see [`view`].
pub(crate) fn view_mut(
    slice: &mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
) -> MatMut<'_, f32> {
    MatMut::from_row_major_slice_mut(&mut slice[..rows * stride], rows, stride)
        .subcols_mut(0, columns)
}

/// Computes `out += a b`.
pub(crate) fn add_product(out: MatMut<'_, f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(out, Accum::Add, a, b, 1.0, Par::Seq);
}

/// Computes `out = a b`.
pub(crate) fn product(out: MatMut<'_, f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(out, Accum::Replace, a, b, 1.0, Par::Seq);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers between -1 and 1.
    fn noise(seed: u32, length: usize) -> Vec<f32> {
        let draw = |i| crate::rng::draw(seed, crate::rng::Stream::Parameters, 0, i);
        let unit = |i| draw(i) as f32 / u32::MAX as f32 * 2.0 - 1.0;
        (0..length as u32).map(unit).collect()
    }

    /// Tasks of any size give the same bits. A product of other numbers does not.
    #[test]
    fn rows_do_not_depend_on_the_rows_beside_them() {
        for (rows, depth, columns) in [
            (256, 784, 256),
            (250, 1_001, 12),
            (72, 2_500, 500),
            (8, 3, 4),
        ] {
            for seed in [1, 2, 3] {
                let a = noise(seed, rows * depth);
                let b = noise(seed + 10, depth * columns);
                let split = |task: usize, b: &[f32]| {
                    let mut out = vec![0.0; rows * columns];
                    let parts = out.chunks_mut(task * columns).zip(a.chunks(task * depth));
                    for (out, a) in parts {
                        let rows = a.len() / depth;
                        product(
                            view_mut(out, rows, columns, columns),
                            view(a, rows, depth, depth),
                            view(b, depth, columns, columns),
                        );
                    }
                    out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                };
                let whole = split(rows, &b);
                for task in [8, 64, 128] {
                    assert!(
                        whole == split(task, &b),
                        "{rows} {depth} {columns}, by {task}"
                    );
                }
                let other = noise(seed + 11, depth * columns);
                assert!(whole != split(rows, &other));
            }
        }
    }
}
