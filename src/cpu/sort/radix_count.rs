//! Twin of `shaders/sort/radix_count.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{DIGITS, digit, is_sorted};
use crate::kernels::RadixCount;
use crate::plan::SORT_TILE;
use crate::state::SortSegment;

pub(crate) fn run(params: &RadixCount, arrays: &mut [Array; 5]) {
    let [configs, states, segments, keys, counts] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let counts = counts.write::<[u32; DIGITS]>();
    for segment in segments.read::<SortSegment>() {
        let tiles = keys.read::<u32>()[segment.elements()].chunks(SORT_TILE as usize);
        for (histogram, tile) in counts[segment.tiles()].iter_mut().zip(tiles) {
            count(tile, params.shift, histogram);
        }
    }
}

/// By two histograms in turn: neighbours often have the same leading digit, and an addition to a word
/// must wait for the one before.
fn count(tile: &[u32], shift: u32, even: &mut [u32; DIGITS]) {
    even.fill(0);
    let mut odd = [0; DIGITS];
    let (pairs, last) = tile.as_chunks();
    for [a, b] in pairs {
        even[digit(*a, shift)] += 1;
        odd[digit(*b, shift)] += 1;
    }
    for key in last {
        even[digit(*key, shift)] += 1;
    }
    even.iter_mut().zip(&odd).for_each(|(n, odd)| *n += odd);
}
