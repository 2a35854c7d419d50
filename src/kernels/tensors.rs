//! Kernels that fill parameter tensors.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// Uniform of `parameter_init`.
    "tensors", parameter_init["rng", "initial_weight", "state"], workgroup [64, 1, 1],
    ParameterInit {
        parameters_stride: u32,
        offset: u32,
        columns: u32,
        rows: u32,
        inputs: u32,
        outputs: u32,
        half_rows: u32,
        half_inputs: u32,
        layer: u32,
        bound: f32,
    }
    [configs: Read, parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,]
}
