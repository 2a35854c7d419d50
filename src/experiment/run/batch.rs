//! Replicas that train together: steps, probes, decisions, checkpoints.

use std::ops::ControlFlow;

use super::{Event, Job, Keep, Member, OTHER_REPLICAS, Results};
use crate::error::Error;
use crate::experiment::checkpoint::Replica;
use crate::experiment::directory::{RunDirectory, Start};
use crate::experiment::steered::Steered;
use crate::experiment::{Experiment, ExperimentError};
use crate::network::Network;
use crate::probe::NotFinite;
use crate::progress::ReplicaProgress;
use crate::record::{IndicatorRow, ProbeRow, TaskRow, probe_rows};
use crate::scheduler::Observation;
use crate::trainer::Trainer;

/// Training steps between two events, at the most, so that progress can be shown.
const PIECE: u32 = 100;

/// The trainer of `members`.
pub(super) fn trainer(
    job: &Job<'_>,
    network: &Network,
    members: &[Member<'_>],
) -> Result<Trainer, Error> {
    let replicas: Vec<_> = members.iter().map(|m| (m.arm, m.seed)).collect();
    let experiment = job.experiment;
    let spec = experiment.training_spec(network, job.images, &replicas);
    job.device.trainer(spec)
}

/// Replicas that train in the same dispatches.
pub(super) struct Batch<'a> {
    experiment: &'a Experiment,
    trainer: Trainer,
    members: Vec<Member<'a>>,
    /// The number of batches before this one.
    pub(super) number: usize,
    /// Training steps done.
    pub(super) step: u32,
}

impl<'a> Batch<'a> {
    pub(super) fn new(
        experiment: &'a Experiment,
        mut trainer: Trainer,
        members: Vec<Member<'a>>,
    ) -> Result<Self, Error> {
        for (replica, member) in members.iter().enumerate() {
            let step_sizes = member.scheduler.step_sizes().iter();
            let step_sizes: Vec<_> = step_sizes.map(|eta| *eta as f32).collect();
            trainer.set_step_sizes(replica, &step_sizes)?;
        }
        Ok(Self {
            experiment,
            trainer,
            members,
            number: 0,
            step: 0,
        })
    }

    /// Trains to the last task's end, or until the run is stopped.
    pub(super) fn train(
        mut self,
        keep: &mut Keep<'_>,
        results: &mut Results,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<ControlFlow<()>, ExperimentError> {
        let lengths = self.experiment.task_lengths();
        let mut current = lengths.place_of(self.step.into());
        let interval = self.experiment.interval;
        while current.task < self.experiment.tasks {
            if self.step > 0 && self.step.is_multiple_of(interval) {
                self.probe(&mut results.probes, tell)?;
                let every = self.experiment.indicators_every;
                if every > 0 && (self.step / interval).is_multiple_of(every) {
                    self.measure_indicators(current.task, &mut results.indicators)?;
                }
            }
            let to_task_end = (current.end() - u64::from(self.step)) as u32;
            let to_probe = interval - self.step % interval;
            let piece = to_task_end.min(to_probe).min(PIECE);
            self.trainer.train(piece)?;
            self.step += piece;
            let is_task_end = piece == to_task_end;
            if is_task_end {
                self.finish_task(current.task, &mut results.tasks, tell)?;
                current = lengths.after(current);
            }
            tell(Event::Steps(self.replica_steps(piece)));
            if let Some(directory) = keep {
                let is_stopped = directory.is_stopped();
                if is_task_end || is_stopped || directory.is_due() {
                    self.save(directory, results)?;
                }
                if is_stopped {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// `steps` of each replica, summed.
    pub(super) fn replica_steps(&self, steps: u32) -> u64 {
        u64::from(steps) * self.members.len() as u64
    }

    /// Writes a checkpoint.
    fn save(
        &mut self,
        directory: &mut RunDirectory,
        results: &Results,
    ) -> Result<(), ExperimentError> {
        let replica = |member: &Member<'_>| {
            let scheduler = member.scheduler.save();
            Ok(Replica {
                arm: member.arm.name.clone(),
                seed: member.seed,
                scheduler: scheduler.map_err(|source| directory.unwritten(source))?,
                has_diverged: member.has_diverged,
            })
        };
        let replicas: Result<Vec<_>, ExperimentError> = self.members.iter().map(replica).collect();
        let replicas = replicas?;
        let snapshot = self.trainer.snapshot()?;
        let place = (self.number, self.step);
        directory.save(place, replicas, self.trainer.spec(), &snapshot, results)
    }

    /// Goes on from a checkpoint.
    pub(super) fn restore(&mut self, start: Start) -> Result<(), ExperimentError> {
        let schedulers = self.resumed_schedulers(&start)?;
        self.restore_trainer(&start)?;
        self.check_step(&start)?;
        self.step = start.standing.step;
        let kept = start.standing.replicas.iter().zip(schedulers);
        for (member, (kept, scheduler)) in self.members.iter_mut().zip(kept) {
            member.scheduler = scheduler;
            member.has_diverged = kept.has_diverged;
        }
        Ok(())
    }

    /// The checkpoint's schedulers, which must be those of the batch's replicas.
    fn resumed_schedulers(&self, start: &Start) -> Result<Vec<Box<dyn Steered>>, ExperimentError> {
        let kept = &start.standing.replicas;
        let members = || self.members.iter().zip(kept);
        let is_same = |(own, kept): (&Member<'_>, &Replica)| {
            (&own.arm.name, own.seed) == (&kept.arm, kept.seed)
        };
        if self.members.len() != kept.len() || !members().all(is_same) {
            return Err(start.damaged(OTHER_REPLICAS.to_owned()).into());
        }
        let resumed = members().map(|(own, kept)| own.scheduler.resumed(kept.scheduler.clone()));
        let resumed: Result<Vec<_>, _> = resumed.collect();
        resumed.map_err(|reason| start.damaged(reason).into())
    }

    fn restore_trainer(&mut self, start: &Start) -> Result<(), ExperimentError> {
        let mut snapshot = self.trainer.snapshot()?;
        let (spec, replicas) = (self.trainer.spec(), &start.standing.replicas);
        let filled = start.tensors.fill(&mut snapshot, spec, replicas);
        filled.map_err(|reason| start.damaged(reason))?;
        let restored = self.trainer.restore(&snapshot);
        restored.map_err(|error| match error {
            Error::Invalid { .. } | Error::Length { .. } => start.damaged(error.to_string()).into(),
            error => ExperimentError::Engine(error),
        })
    }

    /// Fails unless every replica has done the checkpoint's steps, or was halted before.
    fn check_step(&mut self, start: &Start) -> Result<(), ExperimentError> {
        let step = start.standing.step;
        let all = self.experiment.replica_steps();
        if u64::from(step) > all {
            return Err(start
                .damaged(format!("wanted {all} steps at most, found {step}"))
                .into());
        }
        for replica in self.trainer.progress()? {
            let updates = replica.updates;
            if updates > step || (updates < step && replica.halted.is_none()) {
                let reason =
                    format!("wanted a replica after {step} updates, found one after {updates}");
                return Err(start.damaged(reason).into());
            }
        }
        Ok(())
    }

    /// Probes all replicas, lets their schedulers decide, and sets the step sizes. The probe of a replica that is not
    /// finite is told and has no rows, and the replica's step sizes stay.
    fn probe(
        &mut self,
        rows: &mut Vec<ProbeRow>,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Error> {
        let probes = self.trainer.probe()?;
        if probes.iter().any(Result::is_err) {
            let progress = self.trainer.progress()?;
            self.tell_diverged(&progress, tell);
        }
        for (replica, (member, stats)) in self.members.iter_mut().zip(probes).enumerate() {
            let stats = match stats {
                Ok(stats) => stats,
                Err(_) if member.has_diverged => continue,
                Err(NotFinite { update, .. }) => {
                    tell(Event::Unmeasured {
                        arm: &member.arm.name,
                        seed: member.seed,
                        update,
                    });
                    continue;
                }
            };
            let observation = Observation::new(&stats, self.trainer.spec(), replica)?;
            let before = member.scheduler.step_sizes().to_vec();
            let decision = member.scheduler.observe(&observation)?;
            if decision.step_sizes() != before {
                self.trainer
                    .set_step_sizes(replica, &decision.device_step_sizes())?;
            }
            rows.extend(probe_rows(&member.arm.name, member.seed, &stats, &decision));
        }
        Ok(())
    }

    /// Measures the other indicators on the minibatch that was probed last.
    fn measure_indicators(&mut self, task: u32, rows: &mut Vec<IndicatorRow>) -> Result<(), Error> {
        let update = self.step;
        for (member, indicators) in self.members.iter().zip(self.trainer.indicators()?) {
            let row = |indicators| {
                IndicatorRow::new(&member.arm.name, member.seed, task, update, &indicators)
            };
            rows.extend(indicators.ok().map(row));
        }
        Ok(())
    }

    /// Adds the rows of the finished task, and tells which replicas diverged in it.
    fn finish_task(
        &mut self,
        task: u32,
        rows: &mut Vec<TaskRow>,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Error> {
        let progress = self.trainer.progress()?;
        for (member, progress) in self.members.iter().zip(&progress) {
            if let Some(score) = progress.score(task) {
                rows.push(TaskRow::new(&member.arm.name, member.seed, &score));
                tell(Event::Task(&rows[rows.len() - 1]));
            }
        }
        self.tell_diverged(&progress, tell);
        Ok(())
    }

    /// Tells which replicas have diverged since the last call.
    fn tell_diverged(&mut self, progress: &[ReplicaProgress], tell: &mut impl FnMut(Event<'_>)) {
        for (member, progress) in self.members.iter_mut().zip(progress) {
            if let Some(halt) = progress.halted.filter(|_| !member.has_diverged) {
                member.has_diverged = true;
                tell(Event::Diverged {
                    arm: &member.arm.name,
                    seed: member.seed,
                    halt,
                });
            }
        }
    }
}
