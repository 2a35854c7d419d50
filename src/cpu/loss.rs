//! Twins of the losses' kernels.

mod softmax_cross_entropy;
mod squared_error;
mod tangent_softmax;
mod tangent_squared_error;

use super::{Array, twins};
use crate::state::{HALTED_LOSS, RUNNING, ReplicaState};

twins! {
    softmax_cross_entropy: SoftmaxCrossEntropy,
    squared_error: SquaredError,
    tangent_softmax: TangentSoftmax,
    tangent_squared_error: TangentSquaredError,
}

/// Stores the loss and the correct predictions of a minibatch; halts the replica where the loss is not finite. Twin of
/// `shaders/common/batch_loss.wgsl`.
fn store_batch_loss(states: &mut Array, loss: f32, correct: u32) {
    let state = &mut states.write::<ReplicaState>()[0];
    if state.halted != RUNNING {
        return;
    }
    state.batch_loss = loss;
    state.batch_correct = correct;
    if !loss.is_finite() {
        state.halted = HALTED_LOSS;
    }
}
