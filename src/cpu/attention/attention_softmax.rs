//! Twin of `shaders/attention/attention_softmax.wgsl`.

use rayon::prelude::*;

use super::{Heads, KEYS, QUERIES};
use crate::cpu::Array;
use crate::cpu::elementary::exponential;
use crate::cpu::matrix::product;
use crate::kernels::AttentionSoftmax;

pub(crate) fn run(params: &AttentionSoftmax, arrays: &mut [Array; 2]) {
    let [inputs, weights] = arrays;
    let heads = Heads::new(params.positions, params.heads, params.head_units);
    let row = params.input_columns as usize;
    let samples = inputs.read::<f32>().par_chunks(heads.positions * row);
    let weights = weights.write::<f32>().par_chunks_mut(heads.matrices());
    weights.zip(samples).for_each(|(weights, inputs)| {
        for head in heads.each() {
            let keys = heads.part(inputs, KEYS, head).transpose();
            let queries = heads.part(inputs, QUERIES, head);
            product(heads.matrix_mut(weights, head), queries, keys);
        }
        pulp::Arch::new().dispatch(Softmax {
            rows: weights,
            columns: heads.positions,
            scale: params.scale,
        });
    });
}

/// The number of partial results of a row, enough to fill the widest vectors.
const LANES: usize = 16;

/// Replaces every row by the softmax of `scale` times the row. [`pulp`] compiles it for the widest vectors that this
/// processor has.
struct Softmax<'a> {
    rows: &'a mut [f32],
    columns: usize,
    scale: f32,
}

impl pulp::WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for row in self.rows.chunks_mut(self.columns) {
            let larger = |a, b| if b > a { b } else { a };
            let largest = fold(row, f32::NEG_INFINITY, larger);
            for x in row.iter_mut() {
                *x = exponential(self.scale * (*x - largest));
            }
            let total = fold(row, 0.0, |a, b| a + b);
            for power in row.iter_mut() {
                *power /= total;
            }
        }
    }
}

/// Folds every LANES-th element of a row from the l-th on into lane l, and then the lanes pairwise.
#[inline(always)]
fn fold(row: &[f32], start: f32, fold: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane = fold(*lane, *x);
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        *lane = fold(*lane, *x);
    }
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] = fold(lanes[lane], lanes[lane + half]);
        }
    }
    lanes[0]
}
