//! Kernels of multi-head attention.

use super::kernels;

kernels! {
    "attention",

    /// The uniform of `attention_softmax`.
    attention_softmax["attention"], workgroup [64, 1, 1],
    AttentionSoftmax {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        scale: f32,
    }
    [inputs: Read, weights: ReadWrite,]

    /// The uniform of `attention_forward`.
    attention_forward["sine", "activation", "write_value", "attention"], workgroup [64, 1, 1],
    AttentionForward {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        columns: u32,
        units: u32,
        activation: u32,
    }
    [inputs: Read, weights: Read, outputs: ReadWrite, pre_activations: ReadWrite,]

    /// The uniform of `attention_softmax_backward`.
    attention_softmax_backward["attention"], workgroup [64, 1, 1],
    AttentionSoftmaxBackward {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        columns: u32,
        scale: f32,
    }
    [inputs: Read, output_gradients: Read, weights: ReadWrite,]

    /// The uniform of `attention_backward`.
    attention_backward["attention"], workgroup [64, 1, 1],
    AttentionBackward {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        columns: u32,
        accumulate: u32,
    }
    [inputs: Read, output_gradients: Read, weights: Read, input_gradients: ReadWrite,]

    /// The uniform of `attention_tangent_softmax`.
    attention_tangent_softmax["probe", "slots", "attention"], workgroup [64, 1, 1],
    AttentionTangentSoftmax {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        scale: f32,
        slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, inputs: Read, input_tangents: Read, weights: Read, weight_tangents: ReadWrite,
    ]

    /// The uniform of `attention_tangent_forward`.
    attention_tangent_forward["sine", "activation", "write_tangent", "probe", "slots", "attention"],
    workgroup [64, 1, 1],
    AttentionTangentForward {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        columns: u32,
        units: u32,
        activation: u32,
        slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, inputs: Read, input_tangents: Read, weights: Read, weight_tangents: Read,
        activations: Read, tangents: ReadWrite, pre_activation_tangents: ReadWrite,
    ]

    /// The uniform of `attention_tangent_softmax_backward`.
    attention_tangent_softmax_backward["probe", "slots", "attention"], workgroup [64, 1, 1],
    AttentionTangentSoftmaxBackward {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        columns: u32,
        scale: f32,
        slots: u32,
        all_slots: u32,
    }
    [
        slots: Read, inputs: Read, input_tangents: Read, weights: Read, output_gradients: Read,
        upper: Read, weight_tangents: ReadWrite,
    ]

    /// The uniform of `attention_tangent_backward`.
    attention_tangent_backward["probe", "slots", "attention"], workgroup [64, 1, 1],
    AttentionTangentBackward {
        batch_rows: u32,
        positions: u32,
        heads: u32,
        head_units: u32,
        input_columns: u32,
        columns: u32,
        slots: u32,
        all_slots: u32,
        accumulate: u32,
    }
    [
        slots: Read, inputs: Read, input_tangents: Read, weights: Read, weight_tangents: Read,
        output_gradients: Read, upper: Read, lower: ReadWrite,
    ]
}
