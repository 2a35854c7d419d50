//! Kernels of regularisers that have a gradient of their own.

use super::kernels;

kernels! {
    "regularisers",

    /// The uniform of `reference_copy`.
    reference_copy[], workgroup [256, 1, 1],
    ReferenceCopy {
        stride: u32,
    }
    [source: Read, reference: ReadWrite,]

    /// The uniform of `l2_init_gradient`.
    l2_init_gradient["state"], workgroup [256, 1, 1],
    L2InitGradient {
        parameters_stride: u32,
    }
    [
        configs: Read, states: Read, parameters: Read, initial_parameters: Read,
        gradients: ReadWrite,
    ]

    /// The uniform of `wasserstein_gradient`.
    wasserstein_gradient["state", "tensors", "sort"], workgroup [256, 1, 1],
    WassersteinGradient {
        stride: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, keys: Read, payloads: Read,
        initial_keys: Read, gradients: ReadWrite,
    ]
}
