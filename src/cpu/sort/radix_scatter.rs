//! Twin of `shaders/sort/radix_scatter.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{DIGITS, digit, is_sorted, tile_rows};
use crate::kernels::RadixScatter;
use crate::network::TENSOR_TILE;
use crate::state::TensorLayout;

pub(crate) fn run(params: &RadixScatter, arrays: &mut [Array; 8]) {
    let [
        configs,
        states,
        tensors,
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
    for tensor in tensors.read::<TensorLayout>() {
        let elements = keys[tensor.elements()]
            .chunks(TENSOR_TILE as usize)
            .zip(payloads[tensor.elements()].chunks(TENSOR_TILE as usize));
        for ((keys, payloads), places) in elements.zip(&places[tile_rows(tensor)]) {
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
