//! Kernels of the radix sort of parameter tensors.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// The uniform of `radix_keys`.
    "sort", radix_keys["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixKeys {
        stride: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, parameters: Read, keys: ReadWrite,
        payloads: ReadWrite,
    ]
}

kernel! {
    /// The uniform of `radix_count`.
    "sort", radix_count["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixCount {
        stride: u32,
        tiles: u32,
        shift: u32,
    }
    [configs: Read, states: Read, tensors: Read, keys: Read, counts: ReadWrite,]
}

kernel! {
    /// The uniform of `radix_scan`.
    "sort", radix_scan["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixScan {
        tiles: u32,
    }
    [configs: Read, states: Read, tensors: Read, counts: ReadWrite,]
}

kernel! {
    /// The uniform of `radix_scatter`.
    "sort", radix_scatter["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixScatter {
        stride: u32,
        tiles: u32,
        shift: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, places: Read, keys: Read, payloads: Read,
        sorted_keys: ReadWrite, sorted_payloads: ReadWrite,
    ]
}
