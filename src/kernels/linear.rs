//! Kernels of the linear operation: products of a minibatch with a weight matrix, their derivatives and their tangents.

use super::kernels;

kernels! {
    "linear",

    /// The uniform of `linear_forward`.
    linear_forward["sine", "activation", "write_value"], product,
    LinearForward {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
        units: u32,
    }
    [parameters: Read, inputs: Read, outputs: ReadWrite, pre_activations: ReadWrite,]

    /// The uniform of `linear_backward`.
    linear_backward["sine", "activation"], product ["weight_gradient"],
    LinearBackward {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
        activation: u32,
        accumulate: u32,
    }
    [
        parameters: Read, inputs: Read, pre_activations: Read, output_gradients: Read,
        input_gradients: ReadWrite, gradients: ReadWrite,
    ]

    /// The uniform of `linear_backward_weights`.
    linear_backward_weights[], product ["weight_gradient"],
    LinearBackwardWeights {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
    }
    [inputs: Read, output_gradients: Read, gradients: ReadWrite,]

    /// The uniform of `tangent_forward`.
    tangent_forward["sine", "activation", "write_tangent", "probe", "slots"], product,
    TangentForward {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
        slots: u32,
        all_slots: u32,
        lower_slots: u32,
        first_dual: u32,
        iterates_stride: u32,
        network_offset: u32,
        block_offset: u32,
    }
    [
        slots: Read, parameters: Read, lower_tangents: Read, inputs: Read, iterates: Read,
        activations: Read, tangents: ReadWrite, pre_activation_tangents: ReadWrite,
    ]

    /// The uniform of `tangent_backward_input`.
    tangent_backward_input["sine", "activation", "probe", "slots"], product,
    TangentBackwardInput {
        parameters_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        activation: u32,
        slots: u32,
        all_slots: u32,
        iterates_stride: u32,
        network_offset: u32,
        upper_slots: u32,
        accumulate: u32,
    }
    [
        slots: Read, parameters: Read, iterates: Read, activations: Read, lower_tangents: Read,
        output_gradients: Read, upper: Read, lower: ReadWrite,
    ]

    /// The uniform of `tangent_backward_weights`.
    tangent_backward_weights["probe"], product,
    TangentBackwardWeights {
        products_stride: u32,
        offset: u32,
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
        slot: u32,
        all_slots: u32,
        gradients_stride: u32,
        gradients_offset: u32,
        lower_stride: u32,
        is_iterate: u32,
    }
    [
        slots: Read, inputs: Read, lower_tangents: Read, output_gradients: Read,
        tangent_gradients: Read, products: ReadWrite,
    ]

    /// The uniform of `dual_start`.
    dual_start["probe", "slots"], product,
    DualStart {
        vectors_stride: u32,
        network_vector: u32,
        block_vector: u32,
        rows: u32,
        columns: u32,
        batch_rows: u32,
        slots: u32,
        all_slots: u32,
        first_dual: u32,
        iterates_stride: u32,
        network_offset: u32,
        block_offset: u32,
    }
    [slots: Read, inputs: Read, vectors: Read, iterates: ReadWrite,]

    /// The uniform of `gram`.
    gram[], product,
    Gram {
        rows: u32,
        batch_rows: u32,
    }
    [inputs: Read, gram: ReadWrite,]

    /// The uniform of `gram_product`.
    gram_product["probe", "slots"], product,
    GramProduct {
        columns: u32,
        batch_rows: u32,
        slots: u32,
        all_slots: u32,
        first_dual: u32,
        products_stride: u32,
        network_offset: u32,
        block_offset: u32,
    }
    [slots: Read, gram: Read, tangent_gradients: Read, products: ReadWrite,]

    /// The uniform of `gradient_norms`.
    gradient_norms["workgroup_sum"], workgroup [64, 1, 1],
    GradientNorms {
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
        layer: u32,
        layers: u32,
    }
    [inputs: Read, output_gradients: Read, norms: ReadWrite,]

    /// The uniform of `shared_gradient_norms`.
    shared_gradient_norms["workgroup_sum"], workgroup [64, 1, 1],
    SharedGradientNorms {
        rows: u32,
        columns: u32,
        batch: u32,
        batch_rows: u32,
        positions: u32,
    }
    [inputs: Read, output_gradients: Read, sample_norms: ReadWrite,]
}
