//! Twin of `shaders/optimisers/step_finish.wgsl`.

use crate::cpu::Array;
use crate::kernels::StepFinish;
use crate::state::{NEVER, RUNNING, ReplicaConfig, ReplicaState, TaskRecord};
use crate::tasks::task_length;

pub(crate) fn run(params: &StepFinish, arrays: &mut [Array; 4]) {
    let [configs, divergence, states, task_log] = arrays;
    let config = configs.read::<ReplicaConfig>()[0];
    let state = &mut states.write::<ReplicaState>()[0];
    if state.halted_update != NEVER {
        return;
    }
    state.halted |= divergence.read::<u32>()[0];
    if state.halted != RUNNING {
        state.halted_task = state.task;
        state.halted_update = state.updates;
        return;
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
