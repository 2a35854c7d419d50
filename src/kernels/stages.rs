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

    /// The uniform of `unit_statistics`.
    unit_statistics["state", "units"], workgroup [128, 1, 1],
    UnitStatistics {
        parameters_stride: u32,
        outgoing: u32,
        outputs: u32,
        batch: u32,
        batch_rows: u32,
        copies: u32,
        padded_units: u32,
        units: u32,
        first_unit: u32,
        all_units: u32,
        inverse_batch: f32,
    }
    [renewals: Read, states: Read, activations: Read, parameters: Read, statistics: ReadWrite,]

    /// The uniform of `unit_selection`.
    unit_selection["state", "units"], workgroup [128, 1, 1],
    UnitSelection {
        layers: u32,
        all_units: u32,
    }
    [
        renewals: Read, states: Read, layers: Read, statistics: ReadWrite, records: ReadWrite,
        credits: ReadWrite,
    ]

    /// The uniform of `unit_renewal`.
    unit_renewal["rng", "tensors", "initial_element", "state", "units"], workgroup [64, 1, 1],
    UnitRenewal {
        stride: u32,
        second_moments: u32,
        layers: u32,
        all_units: u32,
    }
    [
        configs: Read, states: Read, layers: Read, tensors: Read, statistics: Read,
        parameters: ReadWrite, first_moment: ReadWrite, second_moment: ReadWrite,
    ]

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
