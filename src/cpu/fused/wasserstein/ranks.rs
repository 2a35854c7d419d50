//! The second half of the sort: the ranks of the keys of one bucket, and the pulls that follow from them.

use super::cells::{Cells, MOST_CELLS};
use crate::cpu::sort::float_of;

/// The number of cells that a word holds, one a bit.
const CELLS_PER_WORD: u32 = u64::BITS;

/// The largest number of words.
const MOST_WORDS: usize = MOST_CELLS / CELLS_PER_WORD as usize;

/// Arrays for one bucket at a time.
#[derive(Default)]
pub(super) struct Bucket {
    /// The keys in the order of elements.
    pub(super) keys: Vec<u32>,
    cells: Vec<u32>,
    words: Vec<Word>,
    /// The keys in words with ties.
    tied: Vec<u32>,
    /// The keys of these words, each with its number in the bucket in the lower half.
    sorted: Vec<u64>,
}

/// The keys in some neighbouring cells.
#[derive(Clone, Copy, Default)]
struct Word {
    /// The cells that hold keys.
    cells: u64,
    /// The number of keys in lower words.
    below: u32,
    /// The number of keys beyond the first of their cells.
    ties: u32,
}

impl Bucket {
    /// Computes `pulls[i] = factor (keys[i] - initial[rank of keys[i]])`, the difference as floats. Equal keys are ranked by
    /// their order. `initial` are the sorted initial keys at the ranks of this bucket.
    ///
    /// Keys go to cells, about 32 for each key. A word without ties ranks its keys by counting bits. The keys of words with
    /// ties are sorted, so that the result is exact for any keys; only the time depends on how even they are.
    pub(super) fn pulls(&mut self, initial: &[u32], factor: f32, pulls: &mut [f32]) {
        pulp::Arch::new().dispatch(Pulls {
            bucket: self,
            initial,
            factor,
            pulls,
        });
    }
}

/// The work of [`Bucket::pulls`], which [`pulp`] compiles for the widest vectors that this processor has.
struct Pulls<'a> {
    bucket: &'a mut Bucket,
    initial: &'a [u32],
    factor: f32,
    pulls: &'a mut [f32],
}

impl pulp::WithSimd for Pulls<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            bucket,
            initial,
            factor,
            pulls,
        } = self;
        let keys = &bucket.keys[..];
        let count = keys.len();
        let (initial, pulls) = (&initial[..count], &mut pulls[..count]);
        let pull = |key: u32, initial: u32| factor * (float_of(key) - float_of(initial));

        let low = keys.iter().fold(u32::MAX, |low, key| low.min(*key));
        let high = keys.iter().fold(0, |high, key| high.max(*key));
        let words = count.div_ceil(2).next_power_of_two().min(MOST_WORDS);
        let map = Cells::new(low, high, words * CELLS_PER_WORD as usize);
        let words = if map.is_one() { 1 } else { words };
        bucket.cells.resize(count, 0);
        let cells = &mut bucket.cells[..count];
        for (cell, key) in cells.iter_mut().zip(keys) {
            *cell = map.of(*key);
        }

        bucket.words.clear();
        bucket.words.resize(words, Word::default());
        let words = &mut bucket.words[..words];
        let mask = words.len() - 1;
        let word_of = |cell: u32| (cell / CELLS_PER_WORD) as usize & mask;
        for cell in &*cells {
            let word = &mut words[word_of(*cell)];
            let bit = cell % CELLS_PER_WORD;
            word.ties += (word.cells >> bit) as u32 & 1;
            word.cells |= 1 << bit;
        }
        let mut below = 0;
        for word in &mut *words {
            word.below = below;
            below += word.ties + word.cells.count_ones();
        }

        bucket.tied.resize(count + 1, 0);
        let tied = &mut bucket.tied[..=count];
        let mut ties = 0;
        for ((cell, number), found) in cells.iter().zip(0..).zip(&mut *pulls) {
            let word = &words[word_of(*cell)];
            let lower = !(u64::MAX << (cell % CELLS_PER_WORD));
            let rank = word.below + (word.cells & lower).count_ones();
            *found = f32::from_bits(initial[rank as usize]);
            tied[ties] = number;
            ties += usize::from(word.ties != 0);
        }
        for (found, key) in pulls.iter_mut().zip(keys) {
            *found = pull(*key, found.to_bits());
        }

        let pair = |number: &u32| u64::from(keys[*number as usize]) << 32 | u64::from(*number);
        bucket.sorted.clear();
        bucket.sorted.extend(tied[..ties].iter().map(pair));
        bucket.sorted.sort_unstable();
        let (mut current, mut rank) = (usize::MAX, 0);
        for pair in &bucket.sorted {
            let number = *pair as u32 as usize;
            let word = word_of(cells[number]);
            if word != current {
                current = word;
                rank = words[word].below as usize;
            }
            pulls[number] = pull(keys[number], initial[rank]);
            rank += 1;
        }
    }
}
