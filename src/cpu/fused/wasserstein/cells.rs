//! Monotone maps of keys to cells: equal intervals of floats between two bounds.

use crate::cpu::sort::{float_of, key_of};

/// The largest number of cells. Cell numbers are read from the mantissa of a float, which has 23 bits.
pub(super) const MOST_CELLS: usize = 1 << 22;

/// A monotone map of keys to cells. Keys outside the bounds go to the first or the last cell.
#[derive(Clone, Copy)]
pub(super) struct Cells {
    low: u32,
    high: u32,
    origin: f32,
    scale: f32,
    last: f32,
}

impl Cells {
    /// `count` equal intervals between two keys, at most [`MOST_CELLS`]. It is one cell where that is impossible: a bound is
    /// not finite, or the interval is empty, too short or too long for float arithmetic.
    pub(super) fn new(low: u32, high: u32, count: usize) -> Self {
        let origin = float_of(low);
        let scale = count as f32 / (float_of(high) - origin);
        if scale.is_finite() && scale > 0.0 {
            let last = (count - 1) as f32;
            return Self {
                low,
                high,
                origin,
                scale,
                last,
            };
        }
        Self::one()
    }

    /// One cell for all keys.
    pub(super) fn one() -> Self {
        let zero = key_of(0);
        Self {
            low: zero,
            high: zero,
            origin: 0.0,
            scale: 0.0,
            last: 0.0,
        }
    }

    /// Whether all keys go to one cell.
    pub(super) fn is_one(&self) -> bool {
        self.scale == 0.0
    }

    /// The cell of a key. Every operation is monotone, rounding included, and after the first none meets a value that is
    /// not finite.
    #[inline(always)]
    pub(super) fn of(self, key: u32) -> u32 {
        /// The float from which on neighbours differ by 1, so that the mantissa of a sum counts.
        const COUNTER: f32 = (1 << 23) as f32;
        let x = float_of(key.max(self.low).min(self.high));
        let t = (x - self.origin) * self.scale;
        let t = if t < self.last { t } else { self.last };
        (t + COUNTER).to_bits() - COUNTER.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys in ascending order: NaN of either sign, infinities, zeros, denormals, and many floats between.
    fn ascending() -> Vec<u32> {
        let mut keys: Vec<u32> = (0..=u32::MAX).step_by(9_973).collect();
        let ends = [f32::INFINITY, f32::MAX, 1.0, f32::MIN_POSITIVE, 1e-40, 0.0];
        keys.extend(
            ends.iter()
                .flat_map(|x| [*x, -x])
                .map(|x| key_of(x.to_bits())),
        );
        keys.sort_unstable();
        keys
    }

    #[test]
    fn maps_are_monotone_and_stay_within_their_cells() {
        let keys = ascending();
        let key = |x: f32| key_of(x.to_bits());
        let bounds = [
            (-0.1, 0.1),
            (-1.0, 1e6),
            (1.0, f32::from_bits(1.0_f32.to_bits() + 7)),
            (-1e-30, 1e-30),
            (f32::MIN, 0.0),
        ];
        for (low, high) in bounds {
            for count in [1, 64, 4096, MOST_CELLS] {
                let cells = Cells::new(key(low), key(high), count);
                assert!(
                    !cells.is_one() || count == MOST_CELLS,
                    "{low} {high} {count}"
                );
                let found: Vec<_> = keys.iter().map(|key| cells.of(*key)).collect();
                assert!(found.is_sorted(), "{low} {high} {count}");
                assert!((found[found.len() - 1] as usize) < count);
            }
        }
    }

    #[test]
    fn bounds_that_no_scale_fits_give_one_cell() {
        let (nan, infinity, large) = (f32::NAN, f32::INFINITY, f32::MAX);
        let tiny = f32::from_bits(1);
        for (low, high) in [
            (1.0, 1.0),
            (-0.0, 0.0),
            (-large, large),
            (-infinity, 1.0),
            (1.0, infinity),
            (0.0, nan),
            (-nan, nan),
            (0.0, tiny),
        ] {
            let cells = Cells::new(key_of(low.to_bits()), key_of(high.to_bits()), 64);
            assert!(cells.is_one(), "{low} {high}");
            assert!(ascending().iter().all(|key| cells.of(*key) == 0));
        }
    }
}
