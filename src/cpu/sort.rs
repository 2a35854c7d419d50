//! Twin of `shaders/common/sort.wgsl`.

mod radix_count;
mod radix_keys;
mod radix_scan;
mod radix_scatter;

use std::ops::Range;

use super::{Array, twins};
use crate::plan::SORT_DIGITS;
use crate::state::{ReplicaConfig, ReplicaState, TensorLayout};

twins! {
    radix_keys: RadixKeys,
    radix_count: RadixCount,
    radix_scan: RadixScan,
    radix_scatter: RadixScatter,
}

pub(crate) const DIGITS: usize = SORT_DIGITS as usize;
pub(crate) const PADDING: u32 = u32::MAX;

const SIGN: u32 = 1 << 31;

pub(crate) fn is_sorted(configs: &Array, states: &Array) -> bool {
    configs.read::<ReplicaConfig>()[0].is_sorted(&states.read::<ReplicaState>()[0])
}

/// The key of a float with these bits. The unsigned order of keys is that of [`f32::total_cmp`].
pub(crate) fn key_of(bits: u32) -> u32 {
    bits ^ if bits & SIGN == 0 { SIGN } else { u32::MAX }
}

pub(crate) fn float_of(key: u32) -> f32 {
    f32::from_bits(key ^ if key & SIGN == 0 { u32::MAX } else { SIGN })
}

/// The digit of a key in the pass with this shift.
pub(crate) fn digit(key: u32, shift: u32) -> usize {
    (key >> shift) as usize % DIGITS
}

/// The rows of a tensor in the table of counts, one for each of its tiles.
pub(crate) fn tile_rows(tensor: &TensorLayout) -> Range<usize> {
    let first = tensor.first_tile as usize;
    first..first + tensor.tiles() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_like_floats_and_lose_nothing() {
        let tiny = f32::from_bits(1);
        let ascending = [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.0,
            -tiny,
            -0.0,
            0.0,
            tiny,
            f32::MIN_POSITIVE,
            1.0,
            f32::MAX,
            f32::INFINITY,
        ];
        assert!(ascending.is_sorted_by(|a, b| key_of(a.to_bits()) < key_of(b.to_bits())));
        for x in ascending {
            let bits = x.to_bits();
            assert_eq!(float_of(key_of(bits)).to_bits(), bits);
            assert_ne!(key_of(bits), PADDING);
        }
    }
}
