//! Twins of the loss's kernels.

use super::twins;

twins! {
    softmax_cross_entropy: SoftmaxCrossEntropy,
    tangent_softmax: TangentSoftmax,
}
