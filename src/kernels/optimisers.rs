//! Kernels that apply a gradient and end a step.

use super::kernels;

kernels! {
    "optimisers",

    /// The uniform of `optimiser_step`.
    optimiser_step["state", "optimiser"], workgroup [256, 1, 1],
    OptimiserStep {
        parameters_stride: u32,
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, gradients: Read,
        parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,
        divergence: ReadWrite,
    ]

    /// The uniform of `step_finish`.
    step_finish["state"], workgroup [1, 1, 1],
    StepFinish {
        batches_per_epoch: u32,
        epochs: u32,
        log_length: u32,
    }
    [configs: Read, divergence: Read, states: ReadWrite, task_log: ReadWrite,]
}
