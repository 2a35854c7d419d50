//! Kernels of regularisers that have a gradient of their own.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// The uniform of `reference_copy`.
    "regularisers", reference_copy[], workgroup [256, 1, 1],
    ReferenceCopy {
        stride: u32,
    }
    [source: Read, reference: ReadWrite,]
}

kernel! {
    /// The uniform of `l2_init_gradient`.
    "regularisers", l2_init_gradient["state"], workgroup [256, 1, 1],
    L2InitGradient {
        parameters_stride: u32,
    }
    [
        configs: Read, states: Read, parameters: Read, initial_parameters: Read,
        gradients: ReadWrite,
    ]
}

kernel! {
    /// The uniform of `wasserstein_gradient`.
    "regularisers", wasserstein_gradient["state", "tensors", "sort"], workgroup [256, 1, 1],
    WassersteinGradient {
        stride: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, keys: Read, payloads: Read,
        initial_keys: Read, gradients: ReadWrite,
    ]
}
