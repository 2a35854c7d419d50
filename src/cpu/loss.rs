//! Twins of the losses' kernels.

mod softmax_cross_entropy;
mod squared_error;
mod tangent_softmax;
mod tangent_squared_error;

use super::twins;

twins! {
    softmax_cross_entropy: SoftmaxCrossEntropy,
    squared_error: SquaredError,
    tangent_softmax: TangentSoftmax,
    tangent_squared_error: TangentSquaredError,
}
