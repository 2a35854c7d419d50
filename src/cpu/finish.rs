//! The end of a step; the twin of `shaders/common/finish.wgsl`.

use crate::cpu::clipping::{Squares, advance, is_clipped};
use crate::state::{
    HALTED_UPDATE, LayerControl, NEVER, RUNNING, ReplicaConfig, ReplicaState, StepSum,
};

/// Ends the step of one replica, and clears its divergence.
pub(crate) fn finish_step(
    batches_per_epoch: u32,
    config: &ReplicaConfig,
    state: &mut ReplicaState,
    controls: &mut [LayerControl],
    sums: &mut [StepSum],
) {
    let divergence = std::mem::take(&mut sums[0].divergence);
    sums[0].utility = 0;
    if state.halted_update != NEVER {
        return;
    }
    state.halted |= divergence | squares_diverged(config, sums);
    if state.halted != RUNNING {
        state.halted_task = state.task;
        state.halted_update = state.updates;
        return;
    }
    if config.clip_threshold > 0.0 {
        advance_clipping(config, Squares(sums), controls);
    }
    // Counts of endless training wrap, as they do in the shader.
    state.updates = state.updates.wrapping_add(1);
    state.optimiser_updates = state.optimiser_updates.wrapping_add(1);
    state.correction1 = config.one_minus_beta1 + config.beta1 * state.correction1;
    state.correction2 = config.one_minus_beta2 + config.beta2 * state.correction2;
    state.task_batches = state.task_batches.wrapping_add(1);
    state.task_loss += state.batch_loss;
    state.task_correct = state.task_correct.wrapping_add(state.batch_correct);
    state.epoch_loss += state.batch_loss;
    state.epoch_correct = state.epoch_correct.wrapping_add(state.batch_correct);
    state.batch = state.batch.wrapping_add(1);
    if state.batch == batches_per_epoch {
        state.whole_epoch_loss = state.epoch_loss;
        state.whole_epoch_correct = state.epoch_correct;
        state.epoch = state.epoch.wrapping_add(1);
        state.batch = 0;
        state.epoch_loss = 0.0;
        state.epoch_correct = 0;
    }
}

/// Whether a squared gradient that clipping needs was not finite.
fn squares_diverged(config: &ReplicaConfig, sums: &[StepSum]) -> u32 {
    let diverged = is_clipped(config) && !Squares(sums).whole().is_finite();
    if diverged { HALTED_UPDATE } else { 0 }
}

fn advance_clipping(config: &ReplicaConfig, squares: Squares<'_>, controls: &mut [LayerControl]) {
    let scale = squares.gradient_scale(config);
    for (layer, control) in controls.iter_mut().enumerate() {
        let q = squares.mean_square(layer, control, scale);
        advance(config, control, q);
    }
}
