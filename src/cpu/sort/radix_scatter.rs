//! Twin of `shaders/sort/radix_scatter.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{DIGITS, digit, is_sorted};
use crate::kernels::RadixScatter;
use crate::plan::SORT_TILE;
use crate::state::SortSegment;

pub(crate) fn run(params: &RadixScatter, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        segments,
        places,
        keys,
        payloads,
        sorted_keys,
        sorted_payloads,
    ] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    let places = places.read::<[u32; DIGITS]>();
    let (keys, payloads) = (keys.read::<u32>(), payloads.read::<u32>());
    let sorted_keys = sorted_keys.write::<u32>();
    let sorted_payloads = sorted_payloads.write::<u32>();
    for segment in segments.read::<SortSegment>() {
        let elements = keys[segment.elements()]
            .chunks(SORT_TILE as usize)
            .zip(payloads[segment.elements()].chunks(SORT_TILE as usize));
        for ((keys, payloads), places) in elements.zip(&places[segment.tiles()]) {
            let mut next = *places;
            for (key, payload) in keys.iter().zip(payloads) {
                let place = &mut next[digit(*key, params.shift)];
                sorted_keys[*place as usize] = *key;
                sorted_payloads[*place as usize] = *payload;
                *place += 1;
            }
        }
    }
}
