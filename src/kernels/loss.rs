//! Kernels of the losses, softmax cross-entropy and squared error: the loss, its gradient, and the tangent of that gradient.

use super::kernels;

kernels! {
    "loss",

    /// The uniform of `softmax_cross_entropy`.
    softmax_cross_entropy["state", "batch_loss", "workgroup_sum"], workgroup [256, 1, 1],
    SoftmaxCrossEntropy {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        inverse_batch: f32,
    }
    [logits: Read, labels: Read, gradients: ReadWrite, states: ReadWrite,]

    /// The uniform of `tangent_softmax`.
    tangent_softmax["probe"], workgroup [64, 1, 1],
    TangentSoftmax {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        slots: u32,
        inverse_batch: f32,
    }
    [slots: Read, logits: Read, tangents: Read, tangent_gradients: ReadWrite,]

    /// The uniform of `squared_error`.
    squared_error["state", "batch_loss", "workgroup_sum"], workgroup [256, 1, 1],
    SquaredError {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        inverse_count: f32,
    }
    [outputs: Read, targets: Read, gradients: ReadWrite, states: ReadWrite,]

    /// The uniform of `tangent_squared_error`.
    tangent_squared_error["probe"], workgroup [64, 1, 1],
    TangentSquaredError {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        slots: u32,
        inverse_count: f32,
    }
    [slots: Read, tangents: Read, tangent_gradients: ReadWrite,]
}
