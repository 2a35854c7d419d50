//! Kernels of sums of two values.

use super::kernels;

kernels! {
    "add",

    /// The uniform of `add_forward`.
    add_forward["sine", "activation", "write_value"], workgroup [64, 1, 1],
    AddForward {
        batch_rows: u32,
        columns: u32,
        units: u32,
        activation: u32,
    }
    [left: Read, right: Read, outputs: ReadWrite, pre_activations: ReadWrite,]

    /// The uniform of `add_backward`.
    add_backward["sine", "activation"], workgroup [64, 1, 1],
    AddBackward {
        batch_rows: u32,
        columns: u32,
        activation: u32,
        accumulate: u32,
    }
    [activations: Read, output_gradients: Read, input_gradients: ReadWrite,]

    /// The uniform of `add_tangent_forward`.
    add_tangent_forward["sine", "activation", "write_tangent", "probe", "slots"], workgroup [64, 1, 1],
    AddTangentForward {
        batch_rows: u32,
        columns: u32,
        activation: u32,
        slots: u32,
        left_slots: u32,
        right_slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, left_tangents: Read, right_tangents: Read, activations: Read,
        tangents: ReadWrite, pre_activation_tangents: ReadWrite,
    ]

    /// The uniform of `add_tangent_backward`.
    add_tangent_backward["sine", "activation", "probe", "slots"], workgroup [64, 1, 1],
    AddTangentBackward {
        batch_rows: u32,
        columns: u32,
        activation: u32,
        slots: u32,
        upper_slots: u32,
        all_slots: u32,
        accumulate: u32,
    }
    [
        slots: Read, activations: Read, lower_tangents: Read, output_gradients: Read, upper: Read,
        lower: ReadWrite,
    ]
}
