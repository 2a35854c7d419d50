//! The first half of the sort: keys are distributed to buckets of about the same size, whose order is that of their keys.

use std::ops::Range;

use super::cells::Cells;
use crate::cpu::sort::{PADDING, float_of, key_of};
use crate::state::TensorLayout;

/// The largest number of buckets of a tensor.
pub(super) const BUCKETS: usize = 256;

/// The number of keys of a bucket that is aimed at: a few arrays of so many words fit into the first-level cache.
const KEYS_PER_BUCKET: u32 = 768;

/// The number of elements that are loaded at a time.
const CHUNK: usize = 256;

/// The number of cells from which buckets are made.
const CELLS: usize = 4096;

/// A monotone map of a tensor's keys to its buckets.
pub(super) struct Buckets {
    cells: Cells,
    bucket_of: [u8; CELLS],
    count: usize,
}

impl Buckets {
    /// Makes buckets from a sample of the tensor's stored `parameters`. The sample decides how equal the buckets are.
    pub(super) fn new(tensor: &TensorLayout, parameters: &[u32]) -> Self {
        /// The number of elements from whose quartiles the range of the cells is computed.
        const SORTED: usize = 255;
        /// The number of elements that are counted in cells.
        const COUNTED: usize = 2048;
        let count = tensor.count.div_ceil(KEYS_PER_BUCKET) as usize;
        let count = count.min(BUCKETS);
        if count <= 1 {
            return Self {
                cells: Cells::one(),
                bucket_of: [0; CELLS],
                count: 1,
            };
        }
        let sample = |size: usize| {
            // An odd step meets every column.
            let step = parameters.len().div_ceil(size) | 1;
            parameters[step / 2..]
                .iter()
                .step_by(step)
                .map(|bits| key_of(*bits))
        };
        let mut sorted: Vec<u32> = sample(SORTED).collect();
        sorted.sort_unstable();
        let [low, high] = bounds(&sorted);
        let cells = Cells::new(low, high, CELLS);
        let mut counts = [0_u32; CELLS];
        sample(COUNTED).for_each(|key| counts[cells.of(key) as usize] += 1);
        let counted = counts.iter().sum::<u32>() + 1;
        let mut bucket_of = [0; CELLS];
        let mut below = 0;
        for (bucket, cell) in bucket_of.iter_mut().zip(counts) {
            *bucket = ((below + cell / 2) * count as u32 / counted) as u8;
            below += cell;
        }
        Self {
            cells,
            bucket_of,
            count,
        }
    }

    /// The number of buckets, at least 1.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

/// The bounds of the cells: the ends of a sorted sample, without what lies far outside its quartiles.
fn bounds(sorted: &[u32]) -> [u32; 2] {
    /// Outliers lie more than so many interquartile ranges outside the quartiles.
    const FAR: f32 = 3.0;
    let last = sorted.len() - 1;
    let [low, high] = [sorted[0], sorted[last]];
    let [first_quartile, third_quartile] = [last / 4, last - last / 4].map(|i| float_of(sorted[i]));
    let margin = FAR * (third_quartile - first_quartile);
    if margin > 0.0 {
        let fences = [first_quartile - margin, third_quartile + margin];
        let [low_fence, high_fence] = fences.map(|x| key_of(x.to_bits()));
        [low.max(low_fence), high.min(high_fence)]
    } else {
        [low, high]
    }
}

/// A stretch of a tensor's stored elements, and what is computed of it.
pub(super) struct Piece<'a> {
    pub(super) tensor: &'a TensorLayout,
    /// The element of the tensor with which it begins.
    pub(super) first: usize,
    pub(super) parameters: &'a [u32],
    pub(super) gradients: &'a mut [f32],
    /// The bucket of each element.
    pub(super) buckets: &'a mut [u8],
    /// The keys, bucket by bucket, those of a bucket in the order of elements.
    pub(super) keys: &'a mut [u32],
    /// The end of each bucket in `keys`.
    pub(super) ends: [u32; BUCKETS],
}

impl Piece<'_> {
    /// The range of `keys` that holds a bucket.
    pub(super) fn bucket(&self, number: usize) -> Range<usize> {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[number] as usize
    }

    /// Distributes the keys to the buckets.
    pub(super) fn distribute(&mut self, buckets: &Buckets) {
        let piece = self;
        pulp::Arch::new().dispatch(Distribute { piece, buckets });
    }

    /// Adds the element's pull to each gradient but those of padding. `next` is where the pulls of the piece begin in each
    /// bucket.
    pub(super) fn add(&mut self, pulls: &[f32], mut next: [u32; BUCKETS]) {
        /// The number that changes no other when it is added, not even -0.
        const NOTHING: f32 = -0.0;
        let mut chunk = [0.0; CHUNK];
        let chunks = self
            .gradients
            .chunks_mut(CHUNK)
            .zip(self.buckets.chunks(CHUNK));
        for ((gradients, buckets), first) in chunks.zip((self.first..).step_by(CHUNK)) {
            let chunk = &mut chunk[..gradients.len()];
            for (pull, bucket) in chunk.iter_mut().zip(buckets) {
                let place = &mut next[usize::from(*bucket)];
                *pull = pulls[*place as usize];
                *place += 1;
            }
            fill_padding(self.tensor, first, chunk, NOTHING);
            gradients
                .iter_mut()
                .zip(&*chunk)
                .for_each(|(g, pull)| *g += pull);
        }
    }
}

/// The work of [`Piece::distribute`], which [`pulp`] compiles for the widest vectors that this processor has.
struct Distribute<'a, 'b> {
    piece: &'a mut Piece<'b>,
    buckets: &'a Buckets,
}

impl pulp::WithSimd for Distribute<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { piece, buckets } = self;
        let Buckets {
            cells, bucket_of, ..
        } = buckets;
        let mut chunk = [0; CHUNK];
        // Two histograms in turn: an addition to a word must wait for the previous one.
        let mut counts = [[0_u32; BUCKETS]; 2];
        let firsts = (piece.first..).step_by(CHUNK);
        let chunks = piece
            .parameters
            .chunks(CHUNK)
            .zip(piece.buckets.chunks_mut(CHUNK));
        for ((parameters, numbers), first) in chunks.zip(firsts.clone()) {
            let chunk = &mut chunk[..numbers.len()];
            load_keys(piece.tensor, first, parameters, chunk);
            chunk.iter_mut().for_each(|key| *key = cells.of(*key));
            for ((number, cell), i) in numbers.iter_mut().zip(&*chunk).zip(0..) {
                *number = bucket_of[*cell as usize % CELLS];
                counts[i % 2][usize::from(*number)] += 1;
            }
        }
        let next = &mut piece.ends;
        let mut place = 0;
        for (number, next) in next.iter_mut().enumerate() {
            *next = place;
            place += counts[0][number] + counts[1][number];
        }
        let chunks = piece
            .parameters
            .chunks(CHUNK)
            .zip(piece.buckets.chunks(CHUNK));
        for ((parameters, numbers), first) in chunks.zip(firsts) {
            let chunk = &mut chunk[..numbers.len()];
            load_keys(piece.tensor, first, parameters, chunk);
            for (key, number) in chunk.iter().zip(numbers) {
                let place = &mut next[usize::from(*number)];
                piece.keys[*place as usize] = *key;
                *place += 1;
            }
        }
    }
}

/// Computes the keys of elements of a tensor from the `first` on, as `radix_keys` does.
#[inline(always)]
fn load_keys(tensor: &TensorLayout, first: usize, parameters: &[u32], keys: &mut [u32]) {
    for (key, parameter) in keys.iter_mut().zip(parameters) {
        *key = key_of(*parameter);
    }
    fill_padding(tensor, first, keys, PADDING);
}

/// Sets the values of padding among those of a tensor's elements from the `first` on.
fn fill_padding<T: Copy>(tensor: &TensorLayout, first: usize, values: &mut [T], value: T) {
    if tensor.count == tensor.length {
        return;
    }
    let columns = tensor.columns as usize;
    let end = first + values.len();
    for row in first / columns..end.div_ceil(columns) {
        let outputs = tensor
            .input_of(row as u32)
            .map_or(0, |_| tensor.outputs as usize);
        let [start, stop] = [row * columns + outputs, (row + 1) * columns];
        let range = start.clamp(first, end) - first..stop.clamp(first, end) - first;
        values[range].fill(value);
    }
}
