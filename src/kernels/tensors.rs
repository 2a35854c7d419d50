//! Kernels that fill parameter tensors.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// The uniform of `parameter_init`.
    "tensors", parameter_init["rng", "tensors", "initial_element", "state"], workgroup [256, 1, 1],
    ParameterInit {
        stride: u32,
        second_moments: u32,
    }
    [
        configs: Read, tensors: Read, parameters: ReadWrite, first_moment: ReadWrite,
        second_moment: ReadWrite,
    ]
}
