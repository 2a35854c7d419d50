//! Kernels of the loss: softmax cross-entropy, its gradient, and the tangent of that gradient.

use super::{Access, Binding, Kernel, Params, Variant, WORKGROUP_MEMORY, kernel, source};
use crate::layout::{ShaderStruct, shader_struct};

kernel! {
    /// The uniform of `softmax_cross_entropy`.
    "loss", softmax_cross_entropy["state"], workgroup [256, 1, 1],
    SoftmaxCrossEntropy {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        inverse_batch: f32,
    }
    [logits: Read, labels: Read, gradients: ReadWrite, states: ReadWrite,]
}

kernel! {
    /// The uniform of `tangent_softmax`.
    "loss", tangent_softmax["probe"], workgroup [64, 1, 1],
    TangentSoftmax {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        slots: u32,
        inverse_batch: f32,
    }
    [slots: Read, logits: Read, tangents: Read, tangent_gradients: ReadWrite,]
}
