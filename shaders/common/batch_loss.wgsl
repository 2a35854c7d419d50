// The end of a loss. Needs state.wgsl. The kernel binds `states`.

// Stores the loss and the correct predictions of a minibatch; halts the replica where the loss is not finite.
fn store_batch_loss(replica: u32, loss: f32, correct: u32) {
    if states[replica].halted != RUNNING {
        return;
    }
    states[replica].batch_loss = loss;
    states[replica].batch_correct = correct;
    if !is_finite(loss) {
        states[replica].halted = HALTED_LOSS;
    }
}
