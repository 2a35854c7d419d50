//! Kernels of a probe: its statistics, and the iterations that find dominant eigenvectors.

use super::kernels;

kernels! {
    "probe",

    /// The uniform of `probe_start`.
    probe_start["rng", "tensors", "state", "probe"], workgroup [256, 1, 1],
    ProbeStart {
        stride: u32,
        tensors: u32,
        blocks: u32,
        seed: u32,
        cold: u32,
    }
    [configs: Read, slots: Read, segments: Read, tensors: Read, vectors: ReadWrite,]

    /// The uniform of `probe_reset`.
    probe_reset["state", "probe"], workgroup [1, 1, 1],
    ProbeReset {
        slots: u32,
    }
    [states: Read, probe_states: ReadWrite, slots: ReadWrite,]

    /// The uniform of `primal_copy`.
    primal_copy["probe"], workgroup [256, 1, 1],
    PrimalCopy {
        source_stride: u32,
        destination_stride: u32,
        to_vectors: u32,
    }
    [segments: Read, source: Read, destination: ReadWrite,]

    /// The uniform of `probe_dots`.
    probe_dots["probe", "segment_sum", "workgroup_sum"], workgroup [64, 1, 1],
    ProbeDots {
        stride: u32,
        segments: u32,
        slots: u32,
        momentum: f32,
    }
    [
        segments: Read, slots: Read, iterates: Read, products: Read, previous: Read,
        partials: ReadWrite,
    ]

    /// The uniform of `probe_update`.
    probe_update["state", "probe"], workgroup [32, 1, 1],
    ProbeUpdate {
        layers: u32,
        slots: u32,
        tolerance: f32,
        momentum: f32,
    }
    [partials: Read, slots: ReadWrite,]

    /// The uniform of `probe_normalise`.
    probe_normalise["probe"], workgroup [256, 1, 1],
    ProbeNormalise {
        stride: u32,
        slots: u32,
        momentum: f32,
    }
    [segments: Read, slots: Read, products: Read, iterates: ReadWrite, previous: ReadWrite,]

    /// The uniform of `lobpcg_start`.
    lobpcg_start["probe", "segment_sum", "workgroup_sum"], workgroup [64, 1, 1],
    LobpcgStart {
        stride: u32,
        segments: u32,
        slots: u32,
    }
    [
        segments: Read, slots: Read, iterates: Read, products: Read, directions: ReadWrite,
        previous: ReadWrite, previous_products: ReadWrite, partials: ReadWrite,
    ]

    /// The uniform of `lobpcg_solve`.
    lobpcg_solve["state", "probe"], workgroup [32, 1, 1],
    LobpcgSolve {
        layers: u32,
        slots: u32,
    }
    [partials: Read, direction_partials: Read, slots: ReadWrite, steps: ReadWrite,]

    /// The uniform of `lobpcg_combine`.
    lobpcg_combine["probe", "segment_sum", "workgroup_sum"], workgroup [64, 1, 1],
    LobpcgCombine {
        stride: u32,
        segments: u32,
        slots: u32,
    }
    [
        segments: Read, steps: Read, products: Read, iterates: ReadWrite, directions: ReadWrite,
        previous: ReadWrite, previous_products: ReadWrite, partials: ReadWrite,
    ]

    /// The uniform of `lobpcg_check`.
    lobpcg_check["state", "probe"], workgroup [32, 1, 1],
    LobpcgCheck {
        layers: u32,
        slots: u32,
        tolerance: f32,
    }
    [partials: Read, steps: Read, slots: ReadWrite,]

    /// The uniform of `mean_norm`.
    mean_norm["workgroup_sum"], workgroup [64, 1, 1],
    MeanNorm {
        batch: u32,
        batch_rows: u32,
        layer: u32,
        layers: u32,
    }
    [sample_norms: Read, norms: ReadWrite,]

    /// The uniform of `layer_sums`.
    layer_sums["state", "optimiser", "probe", "workgroup_sum"], workgroup [64, 1, 1],
    LayerSumsParams {
        parameters_stride: u32,
        layers: u32,
        objective_only: u32,
        second_moments: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, gradients: Read, parameters: Read,
        first_moment: Read, second_moment: Read, sums: ReadWrite,
    ]

    /// The uniform of `layer_stats`.
    layer_stats["state", "optimiser", "probe"], workgroup [1, 1, 1],
    LayerStatsParams {
        layers: u32,
    }
    [
        configs: Read, states: Read, layer_controls: Read, sums: Read, norms: Read,
        records: ReadWrite,
    ]
}
