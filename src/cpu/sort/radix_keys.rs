//! Twin of `shaders/sort/radix_keys.wgsl`.

use crate::cpu::Array;
use crate::cpu::sort::{PADDING, is_sorted, key_of};
use crate::kernels::RadixKeys;
use crate::state::TensorLayout;

pub(crate) fn run(_: &RadixKeys, arrays: &mut [Array; 6]) {
    let [configs, states, tensors, parameters, keys, payloads] = arrays;
    if !is_sorted(configs, states) {
        return;
    }
    for (payload, i) in payloads.write::<u32>().iter_mut().zip(0..) {
        *payload = i;
    }
    for tensor in tensors.read::<TensorLayout>() {
        let columns = tensor.columns as usize;
        let parameters = parameters.read::<u32>()[tensor.elements()].chunks(columns);
        let keys = keys.write::<u32>()[tensor.elements()].chunks_mut(columns);
        for ((keys, parameters), row) in keys.zip(parameters).zip(0..) {
            let outputs = tensor.input_of(row).map_or(0, |_| tensor.outputs as usize);
            for (key, parameter) in keys[..outputs].iter_mut().zip(parameters) {
                *key = key_of(*parameter);
            }
            keys[outputs..].fill(PADDING);
        }
    }
}
