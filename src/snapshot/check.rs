//! Checks that training can have left the words of a snapshot.
//!
//! Parameters and moments may be any number, even NaN, because a diverged replica holds such numbers. Counters, indices
//! and flags must be in their ranges, because kernels count with them, compare them and index by them.

use std::fmt::Display;

use bytemuck::cast_slice;

use crate::error::Error;
use crate::plan::{BufferId, Buffers, TASK_LOG_LENGTH};
use crate::spec::{TrainingSpec, check_step_size};
use crate::state::{
    HALTED_LOSS, HALTED_UPDATE, LayerControl, NEVER, ProbeSlot, RUNNING, ReplicaState, TaskRecord,
};

/// The largest bias correction: 1 and an allowance for rounding.
const LARGEST_CORRECTION: f32 = 1.0 + 1e-3;

/// Checks all replicas. `words` returns the words of a buffer, if it is persistent.
pub(super) fn contents<'a>(
    spec: &TrainingSpec,
    buffers: &Buffers,
    words: impl Fn(BufferId) -> Option<&'a [u32]>,
) -> Result<u64, Error> {
    let all = |id| words(id).unwrap_or_default();
    let states: &[ReplicaState] = cast_slice(all(buffers.states));
    let controls: &[LayerControl] = cast_slice(all(buffers.layer_controls));
    let logs: &[TaskRecord] = cast_slice(all(buffers.task_log));
    let replicas = states
        .iter()
        .zip(controls.chunks(spec.network.blocks().len()))
        .zip(logs.chunks(TASK_LOG_LENGTH as usize));
    for (number, ((state, controls), log)) in replicas.enumerate() {
        let check = Check { spec, number };
        check.state(state)?;
        check.controls(controls)?;
        log.iter()
            .zip(0..)
            .try_for_each(|(record, slot)| check.record(state, record, slot))?;
    }
    let probe = buffers.probe.as_ref();
    let slots: &[ProbeSlot] =
        cast_slice(probe.and_then(|own| words(own.slots)).unwrap_or_default());
    if let Some(slot) = slots.iter().find(|slot| slot.has_vector > 1) {
        return Err(Error::invalid(
            "has_vector of a slot",
            "0 or 1",
            slot.has_vector,
        ));
    }
    let classes = spec.network.classes();
    let labels = words(buffers.labels).unwrap_or_default();
    if let Some(label) = labels.iter().find(|label| **label >= classes) {
        return Err(Error::invalid("label", format!("below {classes}"), label));
    }
    updates(states)
}

/// The number of updates that all replicas in training have done; 0 where none is in training.
fn updates(states: &[ReplicaState]) -> Result<u64, Error> {
    let training = states.iter().filter(|state| state.halted == RUNNING);
    let mut updates = training.map(|state| state.updates);
    let first = updates.next().unwrap_or(0);
    match updates.find(|other| *other != first) {
        None => Ok(first.into()),
        Some(other) => {
            let wanted = format!("{first} in all replicas in training");
            Err(Error::invalid("updates", wanted, other))
        }
    }
}

/// The check of one replica.
struct Check<'a> {
    spec: &'a TrainingSpec,
    number: usize,
}

impl Check<'_> {
    fn ensure(
        &self,
        what: &'static str,
        is_good: bool,
        wanted: impl Display,
        found: impl Display,
    ) -> Result<(), Error> {
        if is_good {
            return Ok(());
        }
        let wanted = format!("{wanted} in replica {}", self.number);
        Err(Error::invalid(what, wanted, found))
    }

    fn below(&self, what: &'static str, limit: u32, found: u32) -> Result<(), Error> {
        self.ensure(what, found < limit, format_args!("below {limit}"), found)
    }

    fn at_most(&self, what: &'static str, most: u64, found: u32) -> Result<(), Error> {
        let is_good = u64::from(found) <= most;
        self.ensure(what, is_good, format_args!("{most} at most"), found)
    }

    fn equal(&self, what: &'static str, wanted: u64, found: u32) -> Result<(), Error> {
        self.ensure(what, u64::from(found) == wanted, wanted, found)
    }

    fn is_number(&self, what: &'static str, found: f32) -> Result<(), Error> {
        self.ensure(what, !found.is_nan(), "a number", found)
    }

    /// The number of samples in `batches` minibatches.
    fn samples(&self, batches: u64) -> u64 {
        batches * u64::from(self.spec.batch)
    }

    fn state(&self, state: &ReplicaState) -> Result<(), Error> {
        let (batches, lengths) = (self.spec.batches_per_epoch(), self.spec.task_lengths());
        let length = lengths.length_of(state.task);
        let epochs = length.div_ceil(batches.into()) as u32;
        self.below("epoch", epochs, state.epoch)?;
        self.below("batch of the epoch", batches, state.batch)?;
        let of_task = u64::from(state.epoch) * u64::from(batches) + u64::from(state.batch);
        self.equal("minibatches of the task", of_task, state.task_batches)?;
        self.below("minibatches of the task", length as u32, state.task_batches)?;
        // No task is shorter than the shortest. This bounds the number of lengths that are drawn for their sum.
        let most = u64::from(state.updates) / lengths.shortest();
        self.at_most("task", most, state.task)?;
        let updates = lengths.end_of(state.task) - length + of_task;
        self.equal("updates", updates, state.updates)?;
        self.at_most("updates of the optimiser", updates, state.optimiser_updates)?;
        self.at_most("correct predictions", self.samples(1), state.batch_correct)?;
        let (task, epoch) = (self.samples(of_task), self.samples(state.batch.into()));
        self.at_most("correct predictions of the task", task, state.task_correct)?;
        self.at_most(
            "correct predictions of the epoch",
            epoch,
            state.epoch_correct,
        )?;
        self.at_most(
            "correct predictions of the latest whole epoch",
            self.samples(batches.into()),
            state.whole_epoch_correct,
        )?;
        for correction in [state.correction1, state.correction2] {
            let is_share = correction > 0.0 && correction <= LARGEST_CORRECTION;
            self.ensure(
                "bias correction",
                is_share,
                "more than 0, 1 at most",
                correction,
            )?;
        }
        self.is_number("loss of the task", state.task_loss)?;
        self.is_number("loss of the epoch", state.epoch_loss)?;
        self.is_number("loss of the latest whole epoch", state.whole_epoch_loss)?;
        self.halt(state)
    }

    /// Checks that a halted replica's counters are those at which it was halted.
    fn halt(&self, state: &ReplicaState) -> Result<(), Error> {
        self.at_most(
            "halted",
            u64::from(HALTED_LOSS | HALTED_UPDATE),
            state.halted,
        )?;
        if state.halted == RUNNING {
            self.equal("update of the halt", NEVER.into(), state.halted_update)?;
            let is_finite = state.batch_loss.is_finite();
            return self.ensure("loss", is_finite, "a finite number", state.batch_loss);
        }
        self.equal("task of the halt", state.task.into(), state.halted_task)?;
        self.equal(
            "update of the halt",
            state.updates.into(),
            state.halted_update,
        )
    }

    fn controls(&self, controls: &[LayerControl]) -> Result<(), Error> {
        for (block, found) in controls.iter().enumerate() {
            check_step_size(found.step_size)?;
            self.clipping(found)?;
            let wanted = LayerControl {
                clip_ratio: found.clip_ratio,
                clip_mean: found.clip_mean,
                clip_weight: found.clip_weight,
                ..self.spec.layer_control(block, found.step_size)
            };
            let (wanted_text, found_text) = (format!("{wanted:?}"), format!("{found:?}"));
            self.ensure("layer control", wanted == *found, wanted_text, found_text)?;
        }
        Ok(())
    }

    /// Checks the state of update clipping.
    fn clipping(&self, found: &LayerControl) -> Result<(), Error> {
        let numbers = [
            ("clip ratio", found.clip_ratio),
            ("clip mean", found.clip_mean),
        ];
        for (what, number) in numbers {
            let is_good = number >= 0.0 && number.is_finite();
            self.ensure(what, is_good, "0 or more, finite", number)?;
        }
        let weight = found.clip_weight;
        let is_good = (0.0..=LARGEST_CORRECTION).contains(&weight);
        self.ensure("clip weight", is_good, "0 to 1", weight)
    }

    /// Checks that a record is empty or is that of the latest task that `slot` keeps.
    fn record(&self, state: &ReplicaState, record: &TaskRecord, slot: u32) -> Result<(), Error> {
        if record.batches == 0 {
            return Ok(());
        }
        let steps = self.spec.task_lengths().length_of(record.task);
        let batches = steps.min(self.spec.batches_per_epoch().into());
        let own = record.task % TASK_LOG_LENGTH;
        self.equal("index of a finished task", slot.into(), own)?;
        self.below("finished task", state.task, record.task)?;
        self.equal("minibatches of a finished task", steps, record.batches)?;
        self.equal("minibatches of a last epoch", batches, record.final_batches)?;
        let (all, last) = (self.samples(steps), self.samples(batches));
        self.at_most(
            "correct predictions of a finished task",
            all,
            record.correct,
        )?;
        self.at_most(
            "correct predictions of a last epoch",
            last,
            record.final_correct,
        )?;
        self.is_number("loss of a finished task", record.loss)?;
        self.is_number("loss of a last epoch", record.final_loss)
    }
}
