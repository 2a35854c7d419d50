//! Kernels of regularisers that have a gradient of their own.

use super::kernels;

kernels! {
    "regularisers",

    /// The uniform of `reference_copy`.
    reference_copy[], workgroup [256, 1, 1],
    ReferenceCopy {
        stride: u32,
    }
    [source: Read, reference: ReadWrite,]

    /// The uniform of `l2_init_gradient`.
    l2_init_gradient["state"], workgroup [256, 1, 1],
    L2InitGradient {
        parameters_stride: u32,
    }
    [
        configs: Read, states: Read, parameters: Read, initial_parameters: Read,
        gradients: ReadWrite,
    ]

    /// The uniform of `wasserstein_gradient`.
    wasserstein_gradient["state", "tensors", "sort"], workgroup [256, 1, 1],
    WassersteinGradient {
        stride: u32,
    }
    [
        configs: Read, states: Read, tensors: Read, keys: Read, payloads: Read,
        initial_keys: Read, gradients: ReadWrite,
    ]

    /// The uniform of `spectral_start`.
    spectral_start["rng", "state", "matrices"], workgroup [256, 1, 1],
    SpectralStart {
        columns: u32,
    }
    [configs: Read, matrices: Read, outputs: ReadWrite,]

    /// The uniform of `spectral_inputs`.
    spectral_inputs["state", "matrices"], workgroup [256, 1, 1],
    SpectralInputs {
        stride: u32,
        rows: u32,
        columns: u32,
    }
    [
        configs: Read, states: Read, matrices: Read, parameters: Read, outputs: Read,
        inputs: ReadWrite,
    ]

    /// The uniform of `spectral_outputs`.
    spectral_outputs["state", "matrices"], workgroup [256, 1, 1],
    SpectralOutputs {
        stride: u32,
        rows: u32,
        columns: u32,
    }
    [
        configs: Read, states: Read, matrices: Read, parameters: Read, inputs: Read,
        next_outputs: ReadWrite,
    ]

    /// The uniform of `spectral_finish`.
    spectral_finish["state", "matrices", "workgroup_sum"], workgroup [256, 1, 1],
    SpectralFinish {
        rows: u32,
        columns: u32,
        matrices: u32,
    }
    [
        configs: Read, states: Read, matrices: Read, outputs: Read, inputs: ReadWrite,
        next_outputs: ReadWrite, slopes: ReadWrite,
    ]

    /// The uniform of `spectral_gradient`.
    spectral_gradient["state", "matrices"], workgroup [256, 1, 1],
    SpectralGradient {
        stride: u32,
        rows: u32,
        columns: u32,
        matrices: u32,
    }
    [
        configs: Read, states: Read, matrices: Read, inputs: Read, next_outputs: Read,
        slopes: Read, gradients: ReadWrite,
    ]
}
