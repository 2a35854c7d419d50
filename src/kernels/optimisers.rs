//! Kernels that apply a gradient and end a step.

use super::kernels;

kernels! {
    "optimisers",

    /// The uniform of `gradient_squares`.
    gradient_squares["state", "gradient_scale", "workgroup_sum"], workgroup [256, 1, 1],
    GradientSquares {
        parameters_stride: u32,
        layers: u32,
    }
    [
        configs: Read, layer_controls: Read, gradients: Read, parameters: Read,
        step_sums: ReadWrite,
    ]

    /// The uniform of `optimiser_step`.
    optimiser_step["state", "optimiser", "gradient_scale", "clipping", "step_size", "finish"],
    workgroup [256, 1, 1],
    OptimiserStep {
        parameters_stride: u32,
        layers: u32,
        second_moments: u32,
        workgroups: u32,
        batches_per_epoch: u32,
    }
    [
        configs: Read, states: ReadWrite, layer_controls: ReadWrite, gradients: Read,
        parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,
        step_sums: ReadWrite,
    ]

    /// The uniform of `isometry_step`.
    isometry_step["state", "optimiser", "gradient_scale", "clipping", "step_size", "matrices"], workgroup [256, 1, 1],
    IsometryStep {
        stride: u32,
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, matrices: Read,
        isometry_gradients: Read, parameters: ReadWrite, step_sums: ReadWrite,
    ]

    /// The uniform of `muon_momentum`.
    muon_momentum["state", "optimiser", "gradient_scale", "matrices"], workgroup [256, 1, 1],
    MuonMomentum {
        stride: u32,
        layers: u32,
    }
    [
        configs: Read, states: Read, matrices: Read, gradients: Read, parameters: Read,
        first_moment: ReadWrite, step_sums: ReadWrite, directions: ReadWrite,
    ]

    /// The uniform of `muon_step`.
    muon_step["state", "optimiser", "gradient_scale", "clipping", "step_size", "matrices"],
    workgroup [256, 1, 1],
    MuonStep {
        stride: u32,
        layers: u32,
        second_moments: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, matrices: Read, directions: Read,
        parameters: ReadWrite, second_moment: ReadWrite, step_sums: ReadWrite,
    ]

    /// The uniform of `upgd_utility`.
    upgd_utility["rng", "sine", "tensors", "state", "optimiser", "gradient_scale"], workgroup [256, 1, 1],
    UpgdUtility {
        stride: u32,
        layers: u32,
        second_moments: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, gradients: Read, parameters: Read,
        first_moment: ReadWrite, second_moment: ReadWrite, step_sums: ReadWrite,
    ]

    /// The uniform of `upgd_step`.
    upgd_step["tensors", "state", "optimiser", "gradient_scale", "clipping", "step_size"],
    workgroup [256, 1, 1],
    UpgdStep {
        stride: u32,
        layers: u32,
        second_moments: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, tensors: Read,
        parameters: ReadWrite, first_moment: ReadWrite, second_moment: Read, step_sums: ReadWrite,
    ]

    /// The uniform of `step_finish`.
    step_finish["state", "gradient_scale", "clipping", "finish"], workgroup [1, 1, 1],
    StepFinish {
        layers: u32,
        batches_per_epoch: u32,
    }
    [configs: Read, states: ReadWrite, layer_controls: ReadWrite, step_sums: ReadWrite,]
}
