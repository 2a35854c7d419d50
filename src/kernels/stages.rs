//! Kernels of the stages.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// Uniform of `task_reset`.
    "stages", task_reset["rng", "tensors", "initial_element", "state", "task_switch"],
    workgroup [256, 1, 1],
    TaskReset {
        stride: u32,
    }
    [
        configs: Read, states: ReadWrite, tensors: Read, parameters: ReadWrite,
        first_moment: ReadWrite, second_moment: ReadWrite,
    ]
}
