//! Twins of the linear operation's kernels.

use super::twins;

twins! {
    linear_forward: LinearForward,
    linear_backward_input: LinearBackwardInput,
    linear_backward_weights: LinearBackwardWeights,
    tangent_forward: TangentForward,
    tangent_backward_input: TangentBackwardInput,
    tangent_backward_weights: TangentBackwardWeights,
    dual_start: DualStart,
    gram: Gram,
    gram_product: GramProduct,
    gradient_norms: GradientNorms,
}
