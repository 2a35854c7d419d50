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
use super::reduce::sum_in_lanes;
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
    sum_in_lanes([a, b], |[a, b]| [a * b])[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Array;
    use crate::kernels::{
        AttentionBackward, AttentionForward, AttentionSoftmax, AttentionSoftmaxBackward,
        AttentionTangentBackward, AttentionTangentForward, AttentionTangentSoftmax,
        AttentionTangentSoftmaxBackward,
    };
    use crate::rng::{Stream, draw};
    use crate::state::{ProbeSlot, SLOT_CONVERGED, SLOT_RUNNING};

    const SAMPLES: usize = 3;
    const POSITIONS: usize = 5;
    const HEADS: usize = 2;
    const HEAD_UNITS: usize = 3;
    /// Rows of the input and of the output, without and with padding.
    const INPUT: [usize; 2] = [18, 20];
    const OUTPUT: [usize; 2] = [6, 8];
    const ROWS: usize = SAMPLES * POSITIONS;
    const MATRICES: usize = SAMPLES * HEADS * POSITIONS * POSITIONS;

    /// Stored rows of numbers between -1 and 1, with zeros as padding.
    fn noise(seed: u32, [units, columns]: [usize; 2]) -> Vec<f32> {
        let unit = |i: usize| draw(seed, Stream::Parameters, 0, i as u32) as f32 / u32::MAX as f32;
        let element = |i: usize| match i % columns < units {
            true => 2.0 * unit(i) - 1.0,
            false => 0.0,
        };
        (0..ROWS * columns).map(element).collect()
    }

    fn array<T: bytemuck::Pod>(values: &[T]) -> Array {
        Array::Own(bytemuck::cast_slice(values).to_vec())
    }

    /// The output in f64, without padding, by its formula.
    fn output(input: &[f64]) -> Vec<f64> {
        let x = |sample, position, part, head, c| {
            let row = sample * POSITIONS + position;
            input[row * INPUT[1] + (part * HEADS + head) * HEAD_UNITS + c]
        };
        let element = |i: usize| {
            let (row, unit) = (i / OUTPUT[0], i % OUTPUT[0]);
            let (sample, p) = (row / POSITIONS, row % POSITIONS);
            let (head, c) = (unit / HEAD_UNITS, unit % HEAD_UNITS);
            let product = |k| -> f64 {
                let terms =
                    (0..HEAD_UNITS).map(|c| x(sample, p, 0, head, c) * x(sample, k, 1, head, c));
                terms.sum()
            };
            let power = |k| (product(k) / (HEAD_UNITS as f64).sqrt()).exp();
            let total: f64 = (0..POSITIONS).map(power).sum();
            let terms = (0..POSITIONS).map(|k| power(k) / total * x(sample, k, 2, head, c));
            terms.sum::<f64>()
        };
        (0..ROWS * OUTPUT[0]).map(element).collect()
    }

    /// The gradient of sum(d y) with respect to the input, by central differences.
    fn gradient(input: &[f64], d: &[f64]) -> Vec<f64> {
        let loss = |i: usize, step: f64| -> f64 {
            let mut moved = input.to_vec();
            moved[i] += step;
            let rows = d.chunks(OUTPUT[1]).flat_map(|row| &row[..OUTPUT[0]]);
            rows.zip(output(&moved)).map(|(d, y)| d * y).sum()
        };
        let indices = 0..input.len();
        indices
            .map(|i| (loss(i, 1e-4) - loss(i, -1e-4)) / 2e-4)
            .collect()
    }

    /// The derivative of a function of two vectors along a direction.
    fn along(
        function: impl Fn(&[f64], &[f64]) -> Vec<f64>,
        at: [&[f64]; 2],
        direction: [&[f64]; 2],
    ) -> Vec<f64> {
        let moved = |step: f64| {
            let vector = |i: usize| -> Vec<f64> {
                let pairs = at[i].iter().zip(direction[i]);
                pairs.map(|(x, v)| x + step * v).collect()
            };
            function(&vector(0), &vector(1))
        };
        let ends = moved(1e-4).into_iter().zip(moved(-1e-4));
        ends.map(|(a, b)| (a - b) / 2e-4).collect()
    }

    /// Stored rows, and these rows in f64.
    fn rows(seed: u32, width: [usize; 2]) -> (Vec<f32>, Vec<f64>) {
        let rows = noise(seed, width);
        let exact = rows.iter().map(|x| f64::from(*x)).collect();
        (rows, exact)
    }

    fn is_near(found: &[f32], wanted: &[f64], width: [usize; 2]) -> bool {
        let [units, columns] = width;
        let is_padded = found
            .chunks(columns)
            .all(|row| row[units..].iter().all(|x| *x == 0.0));
        let found = found.chunks(columns).flat_map(|row| &row[..units]);
        let is_near = |(found, wanted): (&f32, &f64)| (f64::from(*found) - wanted).abs() < 1e-5;
        is_padded && wanted.len() == ROWS * units && found.zip(wanted).all(is_near)
    }

    fn unpadded(rows: Vec<f64>) -> Vec<f64> {
        let rows = rows.chunks(INPUT[1]).flat_map(|row| &row[..INPUT[0]]);
        rows.copied().collect()
    }

    fn params<P: bytemuck::Zeroable>(set: impl FnOnce(&mut P)) -> P {
        let mut params = P::zeroed();
        set(&mut params);
        params
    }

    /// Sets the fields that all uniforms have.
    macro_rules! sized {
        ($params:ident) => {
            params(|p: &mut $params| {
                p.batch_rows = SAMPLES as u32;
                p.positions = POSITIONS as u32;
                p.heads = HEADS as u32;
                p.head_units = HEAD_UNITS as u32;
                p.input_columns = INPUT[1] as u32;
            })
        };
    }

    #[test]
    fn twins_equal_derivatives_in_f64() {
        let scale = (1.0 / (HEAD_UNITS as f64).sqrt()) as f32;
        let columns = OUTPUT[1] as u32;
        for seed in [1, 50] {
            let [(x, exact_x), (rx, exact_rx)] = [seed, seed + 1].map(|seed| rows(seed, INPUT));
            let [(d, exact_d), (rd, exact_rd)] =
                [seed + 2, seed + 3].map(|seed| rows(seed, OUTPUT));
            let (x, d) = (array(&x), array(&d));
            let empty = || array(&[0.0_f32; 4]);
            let sentinel = |length: usize| array(&vec![7.0_f32; length]);

            let weights = sentinel(2 * MATRICES);
            let mut bound = [x.clone(), weights];
            let softmax = AttentionSoftmax {
                scale,
                ..sized!(AttentionSoftmax)
            };
            attention_softmax::run(&softmax, &mut bound);
            let [_, weights] = bound;
            let mut bound = [x.clone(), weights, sentinel(ROWS * OUTPUT[1]), empty()];
            let forward = AttentionForward {
                columns,
                units: OUTPUT[0] as u32,
                ..sized!(AttentionForward)
            };
            attention_forward::run(&forward, &mut bound);
            let [_, weights, y, _] = bound;
            assert!(is_near(y.read(), &output(&exact_x), OUTPUT));

            let mut bound = [x.clone(), d.clone(), weights];
            let backward = AttentionSoftmaxBackward {
                scale,
                columns,
                ..sized!(AttentionSoftmaxBackward)
            };
            attention_softmax_backward::run(&backward, &mut bound);
            let [_, _, weights] = bound;
            let wanted = unpadded(gradient(&exact_x, &exact_d));
            let below = array(&noise(seed + 4, INPUT));
            for accumulate in [0, 1] {
                let mut bound = [x.clone(), d.clone(), weights.clone(), below.clone()];
                let backward = AttentionBackward {
                    columns,
                    accumulate,
                    ..sized!(AttentionBackward)
                };
                attention_backward::run(&backward, &mut bound);
                let before = below.read::<f32>().iter().map(|x| x * accumulate as f32);
                let found = bound[3]
                    .read::<f32>()
                    .iter()
                    .zip(before)
                    .map(|(x, b)| x - b);
                let found: Vec<_> = found.collect();
                assert!(is_near(&found, &wanted, INPUT));
                assert!(
                    !is_near(below.read(), &wanted, INPUT),
                    "the negative control"
                );
            }

            // Slot 0 runs, and slot 1 has converged.
            let slots = [SLOT_RUNNING, SLOT_CONVERGED].map(|status| ProbeSlot {
                status,
                ..bytemuck::Zeroable::zeroed()
            });
            let slots = array(&slots);
            let both = |tangents: &[f32]| array(&[tangents, tangents].concat());
            let (rx, rd) = (both(&rx), both(&rd));
            let first = |array: &Array| {
                let (first, second) = array.read::<f32>().split_at(array.read::<f32>().len() / 2);
                assert!(second.iter().all(|x| *x == 7.0), "a slot that does not run");
                first.to_vec()
            };
            let mut bound = [slots, x, rx, weights, sentinel(4 * MATRICES)];
            let softmax = AttentionTangentSoftmax {
                scale,
                slots: 2,
                all_slots: 2,
                ..sized!(AttentionTangentSoftmax)
            };
            attention_tangent_softmax::run(&softmax, &mut bound);
            let [slots, x, rx, weights, tangents] = bound;
            let target = sentinel(2 * ROWS * OUTPUT[1]);
            let mut bound = [slots, x, rx, weights, tangents, y, target, empty()];
            let forward = AttentionTangentForward {
                columns,
                units: OUTPUT[0] as u32,
                slots: 2,
                all_slots: 2,
                ..sized!(AttentionTangentForward)
            };
            attention_tangent_forward::run(&forward, &mut bound);
            let [slots, x, rx, weights, tangents, _, ry, _] = bound;
            let at = [&exact_x[..], &exact_d];
            let direction = [&exact_rx[..], &exact_rd];
            let wanted = along(|x, _| output(x), at, direction);
            assert!(is_near(&first(&ry), &wanted, OUTPUT));

            let mut bound = [slots, x, rx, weights, d, rd, tangents];
            let backward = AttentionTangentSoftmaxBackward {
                scale,
                columns,
                slots: 2,
                all_slots: 2,
                ..sized!(AttentionTangentSoftmaxBackward)
            };
            attention_tangent_softmax_backward::run(&backward, &mut bound);
            let [slots, x, rx, weights, d, rd, tangents] = bound;
            let target = sentinel(2 * ROWS * INPUT[1]);
            let mut bound = [slots, x, rx, weights, tangents, d, rd, target];
            let backward = AttentionTangentBackward {
                columns,
                slots: 2,
                all_slots: 2,
                ..sized!(AttentionTangentBackward)
            };
            attention_tangent_backward::run(&backward, &mut bound);
            let wanted = unpadded(along(gradient, at, direction));
            let found = first(&bound[7]);
            assert!(is_near(&found, &wanted, INPUT));
            let half: Vec<_> = found.iter().map(|x| 0.5 * x).collect();
            assert!(!is_near(&half, &wanted, INPUT), "the negative control");
        }
    }
}
