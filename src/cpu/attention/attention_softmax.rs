//! Twin of `shaders/attention/attention_softmax.wgsl`.

use rayon::prelude::*;

use super::{Heads, KEYS, QUERIES};
use crate::cpu::Array;
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
                *x = exp(self.scale * (*x - largest));
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

/// exp(x) for x <= 0, within 2e-7 of its size; exp(-87) below -87. The reduction and the polynomial are those of `expf` in
/// Cephes (Moshier). The compiler vectorises it, which it cannot do with a call of the standard library's.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 * 2^23 rounds to an integer, which is then in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let k = rounded - ROUNDER;
    let r = (x - k * 0.693_359_4) - k * -2.121_944_4e-4;
    let coefficients = [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let p = coefficients
        .into_iter()
        .fold(1.987_569_1e-4, |p, c| p * r + c);
    let exponent = rounded.to_bits().wrapping_sub(ROUNDER.to_bits());
    (p * r * r + r + 1.0) * f32::from_bits(exponent.wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_as_near_as_stated() {
        for i in 0..=870_000 {
            let x = i as f32 * -1e-4;
            let wanted = f64::from(x).exp();
            let error = (f64::from(exp(x)) - wanted).abs();
            assert!(error <= 2e-7 * wanted, "{x}: {}", exp(x));
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan() && exp(f32::NEG_INFINITY) < 2e-38);
    }
}
