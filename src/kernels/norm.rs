//! Kernels of layer normalisation.

use super::kernels;

kernels! {
    "norm",

    /// The uniform of `norm_forward`.
    norm_forward["sine", "activation", "write_value", "row_sum"], workgroup [64, 1, 1],
    NormForward {
        parameters_stride: u32,
        offset: u32,
        batch_rows: u32,
        columns: u32,
        units: u32,
        activation: u32,
        inverse_units: f32,
        epsilon: f32,
    }
    [
        parameters: Read, inputs: Read, outputs: ReadWrite, pre_activations: ReadWrite,
        normalised: ReadWrite,
    ]

    /// The uniform of `norm_backward`.
    norm_backward["sine", "activation", "row_sum"], workgroup [64, 1, 1],
    NormBackward {
        parameters_stride: u32,
        offset: u32,
        batch_rows: u32,
        columns: u32,
        units: u32,
        activation: u32,
        accumulate: u32,
        inverse_units: f32,
    }
    [
        parameters: Read, normalised: Read, activations: Read, output_gradients: Read,
        value_gradients: ReadWrite, input_gradients: ReadWrite,
    ]

    /// The uniform of `norm_backward_parameters`.
    norm_backward_parameters["gain_and_bias", "workgroup_sum"], workgroup [64, 1, 1],
    NormBackwardParameters {
        parameters_stride: u32,
        offset: u32,
        batch: u32,
        batch_rows: u32,
        columns: u32,
    }
    [normalised: Read, output_gradients: Read, gradients: ReadWrite,]

    /// The uniform of `norm_tangent`.
    norm_tangent["probe", "slots", "row_sum"], workgroup [64, 1, 1],
    NormTangent {
        batch_rows: u32,
        columns: u32,
        units: u32,
        slots: u32,
        all_slots: u32,
        inverse_units: f32,
    }
    [slots: Read, normalised: Read, lower_tangents: Read, normalised_tangents: ReadWrite,]

    /// The uniform of `norm_tangent_forward`.
    norm_tangent_forward["sine", "activation", "write_tangent", "probe", "slots"], workgroup [64, 1, 1],
    NormTangentForward {
        parameters_stride: u32,
        offset: u32,
        batch_rows: u32,
        columns: u32,
        activation: u32,
        slots: u32,
        all_slots: u32,
        lower_slots: u32,
        iterates_stride: u32,
        network_offset: u32,
        block_offset: u32,
    }
    [
        slots: Read, parameters: Read, iterates: Read, normalised: Read, normalised_tangents: Read,
        activations: Read, tangents: ReadWrite, pre_activation_tangents: ReadWrite,
    ]

    /// The uniform of `norm_tangent_backward`.
    norm_tangent_backward["probe", "slots", "row_sum"], workgroup [64, 1, 1],
    NormTangentBackward {
        parameters_stride: u32,
        offset: u32,
        batch_rows: u32,
        columns: u32,
        units: u32,
        slots: u32,
        upper_slots: u32,
        all_slots: u32,
        iterates_stride: u32,
        network_offset: u32,
        inverse_units: f32,
    }
    [
        slots: Read, parameters: Read, iterates: Read, normalised: Read, normalised_tangents: Read,
        output_gradients: Read, upper: Read, value_tangent_gradients: ReadWrite,
    ]

    /// The uniform of `norm_tangent_backward_parameters`.
    norm_tangent_backward_parameters["probe", "slots", "gain_and_bias", "workgroup_sum"], workgroup [64, 1, 1],
    NormTangentBackwardParameters {
        batch: u32,
        batch_rows: u32,
        columns: u32,
        slots: u32,
        all_slots: u32,
        lower_slots: u32,
        products_stride: u32,
        network_offset: u32,
        block_offset: u32,
    }
    [
        slots: Read, normalised: Read, normalised_tangents: Read, output_gradients: Read,
        tangent_gradients: Read, products: ReadWrite,
    ]

    /// The uniform of `norm_gradient_norms`.
    norm_gradient_norms["workgroup_sum"], workgroup [64, 1, 1],
    NormGradientNorms {
        columns: u32,
        batch: u32,
        batch_rows: u32,
        positions: u32,
    }
    [normalised: Read, output_gradients: Read, sample_norms: ReadWrite,]
}
