//! Twin of `shaders/radix_count.wgsl`.

use super::Array;
use super::sort::{DIGITS, digit, is_sorted};
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
            *histogram = [0; DIGITS];
            for key in tile {
                histogram[digit(*key, params.shift)] += 1;
            }
        }
    }
}
