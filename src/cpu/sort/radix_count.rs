//! Twin of `shaders/sort/radix_count.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{DIGITS, digit, is_sorted, tile_rows};
use crate::kernels::RadixCount;
use crate::network::TENSOR_TILE;
use crate::state::TensorLayout;

pub(crate) fn run(params: &RadixCount, arrays: &mut [Array; 5]) {
    let [configs, states, tensors, keys, counts] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let counts = counts.write::<[u32; DIGITS]>();
    for tensor in tensors.read::<TensorLayout>() {
        let tiles = keys.read::<u32>()[tensor.elements()].chunks(TENSOR_TILE as usize);
        for (histogram, tile) in counts[tile_rows(tensor)].iter_mut().zip(tiles) {
            count(tile, params.shift, histogram);
        }
    }
}

/// Counts digits in two histograms in turn, because neighbours often have the same leading digit and an addition to a
/// word must wait for the previous one.
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
