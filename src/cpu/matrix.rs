//! Matrix products on row-major slices, single-threaded, by faer (a safe front of gemm).

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// The number of rows of a matrix that one task of the thread pool computes.
pub(crate) const ROWS_PER_TASK: usize = 64;

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
