//! Kernels of pools.

use super::kernels;

kernels! {
    "pool",

    /// The uniform of `pool_forward`.
    pool_forward["sine", "activation", "write_value", "windows", "pool"], workgroup [64, 1, 1],
    PoolForward {
        batch_rows: u32,
        columns: u32,
        units: u32,
        activation: u32,
        copy_units: u32,
        copies: u32,
        is_maximum: u32,
        share: f32,
        height: u32,
        width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride: u32,
        padding: u32,
        out_height: u32,
        out_width: u32,
    }
    [inputs: Read, outputs: ReadWrite, pre_activations: ReadWrite,]

    /// The uniform of `pool_backward`.
    pool_backward["sine", "activation", "windows", "pool", "pool_gradient"], workgroup [64, 1, 1],
    PoolBackward {
        batch_rows: u32,
        columns: u32,
        activation: u32,
        accumulate: u32,
        copy_units: u32,
        copies: u32,
        is_maximum: u32,
        share: f32,
        height: u32,
        width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride: u32,
        padding: u32,
        out_height: u32,
        out_width: u32,
    }
    [inputs: Read, pre_activations: Read, output_gradients: Read, input_gradients: ReadWrite,]

    /// The uniform of `pool_tangent_forward`.
    pool_tangent_forward["sine", "activation", "write_tangent", "windows", "pool", "probe", "slots"], workgroup [64, 1, 1],
    PoolTangentForward {
        batch_rows: u32,
        columns: u32,
        activation: u32,
        copy_units: u32,
        copies: u32,
        is_maximum: u32,
        share: f32,
        height: u32,
        width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride: u32,
        padding: u32,
        out_height: u32,
        out_width: u32,
        slots: u32,
        lower_slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, inputs: Read, lower_tangents: Read, activations: Read, tangents: ReadWrite,
        pre_activation_tangents: ReadWrite,
    ]

    /// The uniform of `pool_tangent_backward`.
    pool_tangent_backward["sine", "activation", "windows", "pool", "pool_gradient", "probe", "slots"], workgroup [64, 1, 1],
    PoolTangentBackward {
        batch_rows: u32,
        columns: u32,
        activation: u32,
        accumulate: u32,
        copy_units: u32,
        copies: u32,
        is_maximum: u32,
        share: f32,
        height: u32,
        width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride: u32,
        padding: u32,
        out_height: u32,
        out_width: u32,
        slots: u32,
        upper_slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, inputs: Read, pre_activations: Read, lower_tangents: Read, output_gradients: Read,
        upper: Read, lower: ReadWrite,
    ]
}
