//! Twin of `shaders/sort/radix_keys.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{PADDING, is_sorted, key_of};
use crate::kernels::RadixKeys;
use crate::state::SortSegment;

pub(crate) fn run(_: &RadixKeys, arrays: &mut [Array; 6]) {
    let [configs, states, segments, parameters, keys, payloads] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    for (payload, i) in payloads.write::<u32>().iter_mut().zip(0..) {
        *payload = i;
    }
    for segment in segments.read::<SortSegment>() {
        let columns = segment.columns as usize;
        let parameters = parameters.read::<u32>()[segment.elements()].chunks(columns);
        let keys = keys.write::<u32>()[segment.elements()].chunks_mut(columns);
        for ((keys, parameters), row) in keys.zip(parameters).zip(0..) {
            let outputs = if row % segment.half_rows < segment.half_inputs {
                segment.outputs as usize
            } else {
                0
            };
            for (key, parameter) in keys[..outputs].iter_mut().zip(parameters) {
                *key = key_of(*parameter);
            }
            keys[outputs..].fill(PADDING);
        }
    }
}
