//! Kernels of patches, the windows of an image as rows (im2col).

use super::kernels;

kernels! {
    "patches",

    /// The uniform of `patches_forward`.
    patches_forward["windows", "patch"], workgroup [64, 1, 1],
    PatchesForward {
        batch_rows: u32,
        columns: u32,
        units: u32,
        copies: u32,
        sample_stride: u32,
        copy_stride: u32,
        channel_stride: u32,
        row_stride: u32,
        column_stride: u32,
        height: u32,
        width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride: u32,
        padding: u32,
        out_height: u32,
        out_width: u32,
    }
    [inputs: Read, outputs: ReadWrite,]

    /// The uniform of `patches_backward`.
    patches_backward["sine", "activation", "windows", "patch_gradient"], workgroup [64, 1, 1],
    PatchesBackward {
        batch_rows: u32,
        columns: u32,
        units: u32,
        activation: u32,
        accumulate: u32,
        height: u32,
        width: u32,
        kernel_height: u32,
        kernel_width: u32,
        stride: u32,
        padding: u32,
        out_height: u32,
        out_width: u32,
    }
    [activations: Read, output_gradients: Read, input_gradients: ReadWrite,]

    /// The uniform of `patches_tangent_forward`.
    patches_tangent_forward["windows", "patch", "probe", "slots"], workgroup [64, 1, 1],
    PatchesTangentForward {
        batch_rows: u32,
        columns: u32,
        units: u32,
        copies: u32,
        sample_stride: u32,
        copy_stride: u32,
        channel_stride: u32,
        row_stride: u32,
        column_stride: u32,
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
    [slots: Read, inputs: Read, tangents: ReadWrite,]

    /// The uniform of `patches_tangent_backward`.
    patches_tangent_backward["sine", "activation", "windows", "patch_gradient", "probe", "slots"], workgroup [64, 1, 1],
    PatchesTangentBackward {
        batch_rows: u32,
        columns: u32,
        units: u32,
        activation: u32,
        accumulate: u32,
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
        slots: Read, activations: Read, lower_tangents: Read, output_gradients: Read, upper: Read,
        lower: ReadWrite,
    ]
}
