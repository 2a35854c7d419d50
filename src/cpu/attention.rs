//! Twins of the kernels of multi-head attention. One sample is a task of the thread pool.

mod attention_backward;
mod attention_forward;
mod attention_softmax;
mod attention_softmax_backward;
mod attention_tangent_backward;
mod attention_tangent_forward;
mod attention_tangent_softmax;
mod attention_tangent_softmax_backward;

use faer::{MatMut, MatRef};

use super::matrix::{view, view_mut};
use super::twins;

twins! {
    attention_softmax: AttentionSoftmax,
    attention_forward: AttentionForward,
    attention_softmax_backward: AttentionSoftmaxBackward,
    attention_backward: AttentionBackward,
    attention_tangent_softmax: AttentionTangentSoftmax,
    attention_tangent_forward: AttentionTangentForward,
    attention_tangent_softmax_backward: AttentionTangentSoftmaxBackward,
    attention_tangent_backward: AttentionTangentBackward,
}

const QUERIES: usize = 0;
const KEYS: usize = 1;
const VALUES: usize = 2;

/// The heads of one sample.
#[derive(Clone, Copy)]
struct Heads {
    positions: usize,
    heads: usize,
    head_units: usize,
}

impl Heads {
    fn new(positions: u32, heads: u32, head_units: u32) -> Self {
        let [positions, heads, head_units] = [positions, heads, head_units].map(|n| n as usize);
        Self {
            positions,
            heads,
            head_units,
        }
    }

    fn each(self) -> std::ops::Range<usize> {
        0..self.heads
    }

    /// The number of elements of a sample's matrices `[heads, queries, keys]`.
    fn matrices(self) -> usize {
        self.heads * self.positions * self.positions
    }

    /// A head's `[positions, head_units]` of a sample's rows: of q, k or v in rows of the input, and of part 0 in rows
    /// of the output.
    fn part(self, rows: &[f32], part: usize, head: usize) -> MatRef<'_, f32> {
        let columns = rows.len() / self.positions;
        let first = (part * self.heads + head) * self.head_units;
        view(rows, self.positions, columns, columns).subcols(first, self.head_units)
    }

    /// A head's part of a sample's rows, for writing; see [`Self::part`].
    fn part_mut(self, rows: &mut [f32], part: usize, head: usize) -> MatMut<'_, f32> {
        let columns = rows.len() / self.positions;
        let first = (part * self.heads + head) * self.head_units;
        view_mut(rows, self.positions, columns, columns).subcols_mut(first, self.head_units)
    }

    /// A head's matrix `[queries, keys]` of a sample's matrices.
    fn matrix(self, matrices: &[f32], head: usize) -> MatRef<'_, f32> {
        let size = self.positions * self.positions;
        view(
            &matrices[head * size..],
            self.positions,
            self.positions,
            self.positions,
        )
    }

    /// A head's matrix, for writing; see [`Self::matrix`].
    fn matrix_mut(self, matrices: &mut [f32], head: usize) -> MatMut<'_, f32> {
        let size = self.positions * self.positions;
        view_mut(
            &mut matrices[head * size..],
            self.positions,
            self.positions,
            self.positions,
        )
    }
}

/// The dot product of two rows.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
