//! Twins of the linear operation's kernels.

mod dual_start;
mod gradient_norms;
mod gram;
mod gram_product;
mod linear_backward;
mod linear_backward_weights;
mod linear_forward;
mod shared_gradient_norms;
mod tangent_backward_input;
mod tangent_backward_weights;
mod tangent_forward;

use super::twins;

twins! {
    linear_forward: LinearForward,
    linear_backward: LinearBackward,
    linear_backward_weights: LinearBackwardWeights,
    tangent_forward: TangentForward,
    tangent_backward_input: TangentBackwardInput,
    tangent_backward_weights: TangentBackwardWeights,
    dual_start: DualStart,
    gram: Gram,
    gram_product: GramProduct,
    gradient_norms: GradientNorms,
    shared_gradient_norms: SharedGradientNorms,
}
