//! Twin of `shaders/stream/task_finish.wgsl`.

use crate::cpu::Array;
use crate::kernels::TaskFinish;
use crate::state::{RUNNING, ReplicaState, TaskRecord};

pub(crate) fn run(params: &TaskFinish, arrays: &mut [Array; 2]) {
    let [states, task_log] = arrays;
    let state = &mut states.write::<ReplicaState>()[0];
    if state.halted != RUNNING {
        return;
    }
    let slot = (state.task % params.log_length) as usize;
    task_log.write::<TaskRecord>()[slot] = finished_task(state, params.batches_per_epoch);
    // Counts of endless training wrap, as they do in the shader.
    state.task = state.task.wrapping_add(1);
    state.epoch = 0;
    state.batch = 0;
    state.task_batches = 0;
    state.task_loss = 0.0;
    state.task_correct = 0;
    state.epoch_loss = 0.0;
    state.epoch_correct = 0;
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
