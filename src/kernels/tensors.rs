//! Kernels that fill parameter tensors.

use super::kernels;

kernels! {
    "tensors",

    /// The uniform of `parameter_init`.
    parameter_init["rng", "tensors", "initial_element", "state"], workgroup [256, 1, 1],
    ParameterInit {
        stride: u32,
        second_moments: u32,
    }
    [
        configs: Read, tensors: Read, parameters: ReadWrite, first_moment: ReadWrite,
        second_moment: ReadWrite,
    ]
}
