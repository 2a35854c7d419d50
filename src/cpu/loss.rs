//! Twins of the loss's kernels.

mod softmax_cross_entropy;
mod tangent_softmax;

use super::twins;

twins! {
    softmax_cross_entropy: SoftmaxCrossEntropy,
    tangent_softmax: TangentSoftmax,
}
