//! Kernels of the radix sort of parameter tensors.

use super::kernels;

kernels! {
    "sort",

    /// The uniform of `radix_keys`.
    radix_keys["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixKeys {
        stride: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, parameters: Read, keys: ReadWrite,
        payloads: ReadWrite,
    ]

    /// The uniform of `radix_count`.
    radix_count["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixCount {
        stride: u32,
        tiles: u32,
        shift: u32,
    }
    [configs: Read, states: Read, tensors: Read, keys: Read, counts: ReadWrite,]

    /// The uniform of `radix_scan`.
    radix_scan["state", "tensors", "sort"], workgroup [256, 1, 1],
    RadixScan {
        tiles: u32,
    }
    [configs: Read, states: Read, tensors: Read, counts: ReadWrite,]

    /// The uniform of `radix_scatter`.
    radix_scatter["state", "tensors", "sort"], workgroup [256, 1, 1],
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
