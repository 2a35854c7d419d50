//! Twin of `shaders/optimisers/step_finish.wgsl`.

use crate::cpu::Array;
use crate::cpu::clipping::{Squares, advance, is_clipped};
use crate::kernels::StepFinish;
use crate::state::{
    HALTED_UPDATE, LayerControl, NEVER, RUNNING, ReplicaConfig, ReplicaState, StepSum, TaskRecord,
};
use crate::tasks::task_length;

pub(crate) fn run(params: &StepFinish, arrays: &mut [Array; 5]) {
    let [configs, step_sums, controls, states, task_log] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = &mut states.write::<ReplicaState>()[0];
    if state.halted_update != NEVER {
        return;
    }
    state.halted |= take_divergence(&config, step_sums.write());
    if state.halted != RUNNING {
        state.halted_task = state.task;
        state.halted_update = state.updates;
        return;
    }
    if config.clip_threshold > 0.0 {
        advance_clipping(&config, Squares(step_sums.read()), controls.write());
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
    if state.batch == params.batches_per_epoch {
        state.whole_epoch_loss = state.epoch_loss;
        state.whole_epoch_correct = state.epoch_correct;
        state.epoch = state.epoch.wrapping_add(1);
        state.batch = 0;
        state.epoch_loss = 0.0;
        state.epoch_correct = 0;
    }
    let (mean, spread) = (params.mean_length.into(), params.length_spread.into());
    if u64::from(state.task_batches) == task_length(params.switch_seed, state.task, mean, spread) {
        let slot = (state.task % params.log_length) as usize;
        task_log.write::<TaskRecord>()[slot] = finished_task(state, params.batches_per_epoch);
        state.task = state.task.wrapping_add(1);
        state.epoch = 0;
        state.batch = 0;
        state.task_batches = 0;
        state.task_loss = 0.0;
        state.task_correct = 0;
        state.epoch_loss = 0.0;
        state.epoch_correct = 0;
    }
}

/// The record of the task that ends now.
fn finished_task(state: &ReplicaState, batches_per_epoch: u32) -> TaskRecord {
    // A task may end within an epoch, and even within its first.
    let (final_batches, final_loss, final_correct) = if state.epoch > 0 {
        (
            batches_per_epoch,
            state.whole_epoch_loss,
            state.whole_epoch_correct,
        )
    } else {
        (state.batch, state.epoch_loss, state.epoch_correct)
    };
    TaskRecord {
        task: state.task,
        batches: state.task_batches,
        loss: state.task_loss,
        correct: state.task_correct,
        final_batches,
        final_loss,
        final_correct,
        unused: 0,
    }
}

/// Whether an update, or a squared gradient that clipping needs, was not finite. Clears the flag of the next step.
fn take_divergence(config: &ReplicaConfig, sums: &mut [StepSum]) -> u32 {
    let found = std::mem::take(&mut sums[0].divergence);
    if is_clipped(config) && !Squares(sums).whole().is_finite() {
        return found | HALTED_UPDATE;
    }
    found
}

fn advance_clipping(config: &ReplicaConfig, squares: Squares<'_>, controls: &mut [LayerControl]) {
    let scale = squares.gradient_scale(config);
    for (layer, control) in controls.iter_mut().enumerate() {
        let q = squares.mean_square(layer, control, scale);
        advance(config, control, q);
    }
}
