//! Kernels of the position embedding.

use super::kernels;

kernels! {
    "position",

    /// The uniform of `position_forward`.
    position_forward["sine", "activation", "write_value"], workgroup [64, 1, 1],
    PositionForward {
        parameters_stride: u32,
        offset: u32,
        batch_rows: u32,
        positions: u32,
        columns: u32,
        units: u32,
        activation: u32,
    }
    [parameters: Read, inputs: Read, outputs: ReadWrite, pre_activations: ReadWrite,]

    /// The uniform of `position_backward_parameters`.
    position_backward_parameters[], workgroup [64, 1, 1],
    PositionBackwardParameters {
        parameters_stride: u32,
        offset: u32,
        batch: u32,
        batch_rows: u32,
        positions: u32,
        columns: u32,
    }
    [output_gradients: Read, gradients: ReadWrite,]

    /// The uniform of `position_tangent_forward`.
    position_tangent_forward["sine", "activation", "write_tangent", "probe", "slots"], workgroup [64, 1, 1],
    PositionTangentForward {
        batch_rows: u32,
        positions: u32,
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
        slots: Read, iterates: Read, lower_tangents: Read, activations: Read, tangents: ReadWrite,
        pre_activation_tangents: ReadWrite,
    ]

    /// The uniform of `position_tangent_backward_parameters`.
    position_tangent_backward_parameters["probe", "slots"], workgroup [64, 1, 1],
    PositionTangentBackwardParameters {
        batch: u32,
        batch_rows: u32,
        positions: u32,
        columns: u32,
        slots: u32,
        all_slots: u32,
        products_stride: u32,
        network_offset: u32,
        block_offset: u32,
    }
    [slots: Read, tangent_gradients: Read, products: ReadWrite,]

    /// The uniform of `position_gradient_norms`.
    position_gradient_norms["workgroup_sum"], workgroup [64, 1, 1],
    PositionGradientNorms {
        columns: u32,
        batch: u32,
        batch_rows: u32,
        positions: u32,
    }
    [output_gradients: Read, sample_norms: ReadWrite,]
}
