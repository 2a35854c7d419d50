//! Kernels that apply a gradient and end a step.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// The uniform of `optimiser_step`.
    "optimisers", optimiser_step["state", "optimiser"], workgroup [256, 1, 1],
    OptimiserStep {
        parameters_stride: u32,
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, gradients: Read,
        parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,
        divergence: ReadWrite,
    ]
}

kernel! {
    /// The uniform of `step_finish`.
    "optimisers", step_finish["rng", "tasks", "state"], workgroup [1, 1, 1],
    StepFinish {
        batches_per_epoch: u32,
        mean_length: u32,
        length_spread: u32,
        switch_seed: u32,
        log_length: u32,
    }
    [configs: Read, divergence: Read, states: ReadWrite, task_log: ReadWrite,]
}
