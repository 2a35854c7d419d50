//! The gradient of the Wasserstein regulariser: what `radix_keys` to `wasserstein_gradient` compute, where a CPU saves most
//! of the movement of data.
//!
//!   gradients[i] += 2 wasserstein (parameters[i] - initial parameter of equal rank in its tensor)
//!
//! The radix sort moves keys and indices four times to random places. Here keys move once, to buckets:
//!
//! 1. Each piece of a tensor distributes its keys to buckets of equal width in rank (`buckets.rs`). Indices stay: elements
//!    of a bucket keep their order.
//! 2. Each bucket finds the ranks of its keys within the first-level cache (`ranks.rs`), and from them the pulls, which are
//!    what the regulariser adds.
//! 3. Each piece goes through its elements once more and takes the next pull of each element's bucket.
//!
//! Pieces and buckets are tasks of the thread pool. Ranks are those of the radix sort, by key and then by index, so that
//! results do not depend on buckets or tasks.

mod buckets;
mod cells;
mod ranks;

use rayon::prelude::*;

use super::Array;
use crate::cpu::sort::is_sorted;
use crate::state::{ReplicaConfig, TensorLayout};
use buckets::{BUCKETS, Buckets, Piece};
use ranks::Bucket;

/// The number of elements of a piece.
const PIECE: usize = 16_384;

/// The number of keys of a task's buckets from which on the task takes no other bucket.
const KEYS_PER_TASK: usize = 8_192;

pub(super) fn run(arrays: &mut [Array; 9]) {
    let [
        configs,
        states,
        tensors,
        parameters,
        initial_keys,
        gradients,
        numbers,
        keys,
        pulls,
    ] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let factor = 2.0 * configs.read::<ReplicaConfig>()[0].wasserstein;
    let tensors = tensors.read::<TensorLayout>();
    let parameters = parameters.read::<u32>();
    let initial_keys = initial_keys.read::<u32>();
    let pulls = pulls.write::<f32>();

    let buckets: Vec<_> = tensors
        .par_iter()
        .map(|tensor| Buckets::new(tensor, &parameters[tensor.elements()]))
        .collect();
    let mut pieces = pieces(
        tensors,
        parameters,
        gradients.write(),
        numbers.write(),
        keys.write(),
    );
    pieces
        .par_iter_mut()
        .for_each(|(tensor, piece)| piece.distribute(&buckets[*tensor]));

    let by_tensor: Vec<_> = pieces.chunk_by(|(a, _), (b, _)| a == b).collect();
    let mut starts = Vec::new();
    let mut tasks = Vec::new();
    let mut rest = &mut *pulls;
    let mut passed = 0;
    for ((tensor, pieces), buckets) in tensors.iter().zip(by_tensor).zip(&buckets) {
        let elements = tensor.elements();
        rest = &mut std::mem::take(&mut rest)[elements.start - passed..];
        passed = elements.start;
        let mut tensor_starts = vec![[0; BUCKETS]; pieces.len()];
        let mut place = elements.start;
        let mut task = Task::new(pieces, 0, place);
        for number in 0..buckets.count() {
            for ((_, piece), starts) in pieces.iter().zip(&mut tensor_starts) {
                starts[number] = place as u32;
                place += piece.bucket(number).len();
            }
            let is_last = number + 1 == buckets.count();
            let count = place - task.start;
            if count >= KEYS_PER_TASK || is_last {
                task.buckets.end = number + 1;
                let pulls = rest.split_off_mut(..count).expect("a tensor's elements");
                passed += count;
                tasks.push((task, pulls));
                task = Task::new(pieces, number + 1, place);
            }
        }
        starts.extend(tensor_starts);
    }
    tasks
        .into_par_iter()
        .for_each_init(Bucket::default, |bucket, (task, pulls)| {
            task.run(bucket, initial_keys, factor, pulls);
        });

    let pulls = &*pulls;
    pieces
        .par_iter_mut()
        .zip(starts)
        .for_each(|((_, piece), starts)| piece.add(pulls, starts));
}

/// Cuts the arrays into pieces, each with the number of its tensor.
fn pieces<'a>(
    tensors: &'a [TensorLayout],
    parameters: &'a [u32],
    mut gradients: &'a mut [f32],
    mut numbers: &'a mut [u8],
    mut keys: &'a mut [u32],
) -> Vec<(usize, Piece<'a>)> {
    let mut pieces = Vec::new();
    let mut passed = 0;
    for (number, tensor) in tensors.iter().enumerate() {
        let elements = tensor.elements();
        for start in elements.clone().step_by(PIECE) {
            let end = elements.end.min(start + PIECE);
            pieces.push((
                number,
                Piece {
                    tensor,
                    first: start - elements.start,
                    parameters: &parameters[start..end],
                    gradients: take(&mut gradients, start - passed, end - passed),
                    buckets: take(&mut numbers, start - passed, end - passed),
                    keys: take(&mut keys, start - passed, end - passed),
                    ends: [0; BUCKETS],
                },
            ));
            passed = end;
        }
    }
    pieces
}

/// Takes `rest[start..end]` and leaves what is behind it.
fn take<'a, T>(rest: &mut &'a mut [T], start: usize, end: usize) -> &'a mut [T] {
    let (before, behind) = std::mem::take(rest).split_at_mut(end);
    *rest = behind;
    &mut before[start..]
}

/// Neighbouring buckets of a tensor.
struct Task<'a, 'b> {
    pieces: &'a [(usize, Piece<'b>)],
    buckets: std::ops::Range<usize>,
    /// The place of their pulls among all.
    start: usize,
}

impl<'a, 'b> Task<'a, 'b> {
    fn new(pieces: &'a [(usize, Piece<'b>)], bucket: usize, start: usize) -> Self {
        Self {
            pieces,
            buckets: bucket..bucket,
            start,
        }
    }

    /// Computes the pulls of these buckets.
    fn run(&self, bucket: &mut Bucket, initial_keys: &[u32], factor: f32, pulls: &mut [f32]) {
        let mut initial_keys = &initial_keys[self.start..];
        let mut pulls = pulls;
        for number in self.buckets.clone() {
            bucket.keys.clear();
            for (_, piece) in self.pieces {
                bucket
                    .keys
                    .extend_from_slice(&piece.keys[piece.bucket(number)]);
            }
            let count = bucket.keys.len();
            bucket.pulls(initial_keys, factor, take(&mut pulls, 0, count));
            initial_keys = &initial_keys[count..];
        }
    }
}
