//! Kernels of what happens at a task switch.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// Uniform of `task_reset`.
    "stages", task_reset["rng", "initial_weight", "state"], workgroup [64, 1, 1],
    TaskReset {
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
    [
        configs: Read, states: ReadWrite, parameters: ReadWrite, first_moment: ReadWrite,
        second_moment: ReadWrite,
    ]
}
