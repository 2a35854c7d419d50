//! The progress and the scores of a replica, as read back from a device.

use crate::spec::Loss;
use crate::state::{HALTED_LOSS, NEVER, RUNNING, ReplicaState, TaskRecord};

/// The reason why a replica was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltCause {
    /// The loss of a minibatch was not finite.
    Loss,
    /// A parameter or a second moment was not finite after an update.
    Update,
}

/// The divergence of a replica. The replica keeps the state that it had then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The task, from 0.
    pub task: u32,
    /// Updates before the one that failed.
    pub update: u32,
    /// The number that was not finite.
    pub cause: HaltCause,
}

/// The scores of one finished task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskScore {
    /// The task, from 0.
    pub task: u32,
    /// Mean accuracy over the task's minibatches, each before its update. For squared error `1 - online_loss` stands in its
    /// place, and 0 where that is negative: R^2, as targets have a mean square of 1.
    pub online_accuracy: f64,
    /// Mean loss over the same minibatches.
    pub online_loss: f64,
    /// Mean accuracy over the minibatches of the task's last whole epoch, each before its update; over all minibatches
    /// where the task is shorter than an epoch. For squared error `1 - final_loss`, 0 at least.
    pub final_accuracy: f64,
    /// Mean loss over the same minibatches.
    pub final_loss: f64,
}

/// The progress of one replica.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaProgress {
    /// The task that the next step belongs to, from 0.
    pub task: u32,
    /// The number of updates so far.
    pub updates: u32,
    /// The loss of the latest minibatch, before its update; 0 before the first minibatch.
    pub batch_loss: f32,
    /// The number of correct predictions in that minibatch; 0 for squared error.
    pub batch_correct: u32,
    /// The divergence of the replica, if it has diverged.
    pub halted: Option<Halt>,
    /// The latest finished tasks, oldest first, at most 64.
    pub finished: Vec<TaskScore>,
}

impl ReplicaProgress {
    /// Decodes the device's structs. `batch` is the number of samples in a minibatch.
    pub(crate) fn new(state: &ReplicaState, task_log: &[TaskRecord], batch: u32, of: Loss) -> Self {
        let mut finished: Vec<_> = task_log
            .iter()
            .filter(|record| record.batches > 0)
            .map(|record| score(record, batch, of))
            .collect();
        finished.sort_by_key(|score| score.task);
        Self {
            task: state.task,
            updates: state.updates,
            batch_loss: state.batch_loss,
            batch_correct: state.batch_correct,
            halted: halt(state),
            finished,
        }
    }

    /// The score of `task`, if the task is finished and among the latest 64.
    pub fn score(&self, task: u32) -> Option<TaskScore> {
        self.finished
            .iter()
            .copied()
            .find(|score| score.task == task)
    }
}

fn halt(state: &ReplicaState) -> Option<Halt> {
    if state.halted == RUNNING || state.halted_update == NEVER {
        return None;
    }
    let is_loss = state.halted & HALTED_LOSS != 0;
    let cause = if is_loss {
        HaltCause::Loss
    } else {
        HaltCause::Update
    };
    Some(Halt {
        task: state.halted_task,
        update: state.halted_update,
        cause,
    })
}

fn score(record: &TaskRecord, batch: u32, of: Loss) -> TaskScore {
    let means = |loss: f32, correct: u32, batches: u32| {
        let batches = f64::from(batches);
        let loss = f64::from(loss) / batches;
        let correct = f64::from(correct) / f64::from(batch) / batches;
        (loss, of.score(loss, correct))
    };
    let (online_loss, online_accuracy) = means(record.loss, record.correct, record.batches);
    let (final_loss, final_accuracy) = means(
        record.final_loss,
        record.final_correct,
        record.final_batches,
    );
    TaskScore {
        task: record.task,
        online_accuracy,
        online_loss,
        final_accuracy,
        final_loss,
    }
}
