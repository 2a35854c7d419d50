//! Twin of `shaders/radix_scan.wgsl`.

use super::Array;
use super::sort::{DIGITS, is_sorted};
use crate::kernels::RadixScan;
use crate::state::SortSegment;

pub(crate) fn run(_: &RadixScan, arrays: &mut [Array; 4]) {
    let [configs, states, segments, counts] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let counts = counts.write::<[u32; DIGITS]>();
    for segment in segments.read::<SortSegment>() {
        let tiles = &mut counts[segment.tiles()];
        let mut place = segment.start;
        for digit in 0..DIGITS {
            for counts in &mut *tiles {
                let count = std::mem::replace(&mut counts[digit], place);
                place += count;
            }
        }
    }
}
