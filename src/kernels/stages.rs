//! Kernels of the stages.

use super::kernels;

kernels! {
    "stages",

    /// The uniform of `task_reset`.
    task_reset["rng", "tensors", "initial_element", "state", "task_switch"],
    workgroup [256, 1, 1],
    TaskReset {
        stride: u32,
        layers: u32,
        second_moments: u32,
    }
    [
        configs: Read, states: ReadWrite, tensors: Read, parameters: ReadWrite,
        first_moment: ReadWrite, second_moment: ReadWrite, layer_controls: ReadWrite,
    ]

    /// The uniform of `shrink_perturb`.
    shrink_perturb["rng", "tensors", "initial_element", "state", "task_switch"],
    workgroup [256, 1, 1],
    ShrinkPerturb {
        stride: u32,
    }
    [configs: Read, states: Read, shrink_perturb: Read, tensors: Read, parameters: ReadWrite,]

    /// The uniform of `weight_clipping`.
    weight_clipping["tensors", "state"], workgroup [256, 1, 1],
    WeightClipping {
        stride: u32,
    }
    [states: Read, weight_clipping: Read, tensors: Read, parameters: ReadWrite,]

    /// The uniform of `norm_projection`.
    norm_projection["matrices", "state"], workgroup [256, 1, 1],
    NormProjection {
        stride: u32,
        matrices: u32,
    }
    [
        states: Read, norm_projection: Read, matrices: Read, initial_norms: Read, norms: Read,
        parameters: ReadWrite,
    ]

    /// The uniform of `fire`.
    fire["matrices", "state", "task_switch"], workgroup [256, 1, 1],
    Fire {
        stride: u32,
        matrices: u32,
    }
    [
        states: Read, iterations: Read, matrices: Read, norms: Read, elements: Read,
        parameters: ReadWrite,
    ]
}
