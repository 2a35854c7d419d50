//! Twin of `shaders/sort/radix_scan.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{DIGITS, is_sorted, tile_rows};
use crate::kernels::RadixScan;
use crate::state::TensorLayout;

pub(crate) fn run(_: &RadixScan, arrays: &mut [Array; 4]) {
    let [configs, states, tensors, counts] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let counts = counts.write::<[u32; DIGITS]>();
    for tensor in tensors.read::<TensorLayout>() {
        scan(tensor.start, &mut counts[tile_rows(tensor)]);
    }
}

/// Goes through the tiles twice, with all digits of a tile at once: rows of the table are contiguous, but its columns
/// lie in few sets of the cache.
fn scan(start: u32, tiles: &mut [[u32; DIGITS]]) {
    let mut next = [0; DIGITS];
    for counts in &*tiles {
        next.iter_mut()
            .zip(counts)
            .for_each(|(n, count)| *n += count);
    }
    let mut place = start;
    for next in &mut next {
        place += std::mem::replace(next, place);
    }
    for counts in tiles {
        for (next, count) in next.iter_mut().zip(counts) {
            *next += std::mem::replace(count, *next);
        }
    }
}
