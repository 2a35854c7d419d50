//! Trains an experiment: all replicas of one network shape together, probed and steered.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::checkpoint::{Replica, Standing};
use super::directory::{RunDirectory, Start};
use super::{Arm, Experiment, ExperimentError, placebo};
use crate::error::Error;
use crate::network::Network;
use crate::probe::{NotFinite, ProbeStats};
use crate::progress::{Halt, ReplicaProgress};
use crate::report::{IndicatorRow, ProbeRow, TaskRow, probe_rows};
use crate::scheduler::{Control, Observation, Scheduler, Statistics};
use crate::spec::{ImageSet, TrainingSpec};
use crate::trainer::{Compute, Trainer};

/// Steps between two events, at the most, so that progress can be shown.
const PIECE: u32 = 100;

/// What happens while an experiment runs.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// All replicas of a batch went on by this many steps, summed over the replicas; all of these, and
    /// [`Event::Resumed`], are [`Experiment::total_steps`].
    Steps(u64),
    /// This many were done before the run was interrupted.
    Resumed(u64),
    /// There are more replicas of one network shape than [`Compute::replicas_that_fit`]: they train in turn.
    Split {
        /// How many there are.
        replicas: usize,
        /// How many train together.
        fit: usize,
    },
    /// A replica finished a task.
    Task(&'a TaskRow),
    /// A probe of a replica that trains on was not finite: its scheduler did nothing.
    Unmeasured {
        /// The arm's name.
        arm: &'a str,
        /// The replica's seed.
        seed: u32,
        /// Parameter updates done before the probe.
        update: u32,
    },
    /// A replica diverged and was stopped; its scheduler does nothing from here on.
    Diverged {
        /// The arm's name.
        arm: &'a str,
        /// The replica's seed.
        seed: u32,
        /// Where, and what was not finite.
        halt: Halt,
    },
}

/// The rows of an experiment's tables, ordered by arm, seed and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// tasks.csv
    pub tasks: Vec<TaskRow>,
    /// probes.csv
    pub probes: Vec<ProbeRow>,
    /// indicators.csv
    pub indicators: Vec<IndicatorRow>,
}

impl Results {
    /// By arm, in the experiment's order, and seed; rows of one replica stay as they are.
    pub(crate) fn sort(&mut self, experiment: &Experiment) {
        let names = experiment.arms.iter().map(|arm| &arm.name[..]);
        let places: BTreeMap<&str, usize> = names.zip(0..).collect();
        let key = |arm: &str, seed: u32| (places.get(arm), seed);
        self.tasks.sort_by_key(|row| key(&row.arm, row.seed));
        self.probes.sort_by_key(|row| key(&row.arm, row.seed));
        self.indicators.sort_by_key(|row| key(&row.arm, row.seed));
    }
}

impl Experiment {
    /// Training steps of all replicas together; of an experiment that [`Experiment::check`] refuses, 2^64 - 1 at most.
    pub fn total_steps(&self) -> u64 {
        let replicas = self.arms.len() as u64 * self.seeds.len() as u64;
        let tasks = replicas.saturating_mul(u64::from(self.tasks));
        tasks.saturating_mul(self.steps_per_task())
    }
}

/// Trains all of `experiment` on `compute` and tells what happens as it does.
///
/// Arms of one network shape train in the same dispatches, as many as the device's buffers, or the memory, hold. Placebos
/// train after the arms whose records they are made of.
///
/// # Errors
/// Those of [`Experiment::check`] and [`Experiment::check_room`] before anything is trained; a device that fails.
pub fn run(
    experiment: &Experiment,
    compute: &Compute,
    images: &ImageSet,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Results, ExperimentError> {
    let fit = |spec: &TrainingSpec| compute.replicas_that_fit(spec);
    let (results, _) = train_all(experiment, compute, images, &fit, &mut None, &mut tell)?;
    Ok(results)
}

/// As [`run`], in a directory that was opened for the same experiment, device and images: goes on where its
/// checkpoint stands, and writes another at every task end and whenever a minute has passed. A run that was
/// interrupted, by whatever, returns in the end the rows of one that was not, and its directory, to be
/// [finished](RunDirectory::finish) once the tables are written.
///
/// `None` where it was stopped: see [`RunDirectory::stopped_by`]. Then, and after an error, the directory can be opened
/// anew with [`RunDirectory::resume`].
///
/// # Errors
/// As [`run`]; a checkpoint that does not fit, or one that cannot be written.
pub fn run_in(
    mut directory: RunDirectory,
    experiment: &Experiment,
    compute: &Compute,
    images: &ImageSet,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Option<(Results, RunDirectory)>, ExperimentError> {
    let keep = &mut Some(&mut directory);
    let fit = |spec: &TrainingSpec| compute.replicas_that_fit(spec);
    let (results, flow) = train_all(experiment, compute, images, &fit, keep, &mut tell)?;
    Ok(flow.is_continue().then_some((results, directory)))
}

/// How many replicas like the one given train together.
type Fit<'a> = &'a dyn Fn(&TrainingSpec) -> Result<usize, Error>;

/// Where checkpoints go, if anywhere.
type Keep<'a> = Option<&'a mut RunDirectory>;

/// The rows, and whether they are all.
fn train_all(
    experiment: &Experiment,
    compute: &Compute,
    images: &ImageSet,
    fit: Fit<'_>,
    keep: &mut Keep<'_>,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<(Results, ControlFlow<()>), ExperimentError> {
    experiment.check(images)?;
    experiment.check_room(compute, images)?;
    let mut start = keep.as_mut().and_then(|directory| directory.take_start());
    let mut results = match &mut start {
        Some(start) => std::mem::take(&mut start.results),
        None => Results::default(),
    };
    let mut number = 0;
    for is_placebo in [false, true] {
        for (network, mut members) in shapes(experiment, is_placebo, &results)? {
            let one = experiment.typical_spec(&network, images, members.iter().map(|m| m.arm));
            let fit = fit(&one)?;
            if members.len() > fit {
                let replicas = members.len();
                tell(Event::Split { replicas, fit });
            }
            // A checkpoint says which replicas it is of: how many fit may have changed since.
            let mut next = fit;
            if let Some(start) = &start {
                let standing = &start.standing;
                let finished = standing.position_in(&members).unwrap_or(members.len());
                let steps = u64::from(experiment.tasks) * experiment.steps_per_task();
                if finished > 0 {
                    tell(Event::Resumed(steps * finished as u64));
                }
                members.drain(..finished);
                (number, next) = (standing.batch, standing.replicas.len());
            }
            while !members.is_empty() {
                let rest = members.split_off(members.len().min(next));
                let mut batch = Batch::new(experiment, compute, &network, images, members)?;
                batch.number = number;
                if let Some(start) = start.take() {
                    batch.restore(start)?;
                    tell(Event::Resumed(batch.replica_steps(batch.step)));
                }
                if batch.train(keep, &mut results, tell)?.is_break() {
                    return Ok((results, ControlFlow::Break(())));
                }
                number += 1;
                (members, next) = (rest, fit);
            }
        }
    }
    if let Some(start) = start {
        return Err(start.damaged(OTHER_REPLICAS.to_owned()).into());
    }
    results.sort(experiment);
    Ok((results, ControlFlow::Continue(())))
}

/// Why a checkpoint does not fit.
const OTHER_REPLICAS: &str = "its replicas are not those that train together here";

/// The replicas of each network shape, which could train together.
fn shapes<'a>(
    experiment: &'a Experiment,
    is_placebo: bool,
    results: &Results,
) -> Result<Vec<(Network, Vec<Member<'a>>)>, Error> {
    let mut shapes: Vec<(Network, Vec<Member<'_>>)> = Vec::new();
    for arm in &experiment.arms {
        if arm.placebo.is_some() == is_placebo {
            let network = experiment.network(arm)?;
            let members = members(experiment, arm, network.layers().len(), results)?;
            match shapes.iter_mut().find(|(known, _)| *known == network) {
                Some((_, known)) => known.extend(members),
                None => shapes.push((network, members)),
            }
        }
    }
    Ok(shapes)
}

impl Standing {
    /// Where its replicas begin among `members`, those before them being finished.
    fn position_in(&self, members: &[Member<'_>]) -> Option<usize> {
        let first = self.replicas.first()?;
        let is_first =
            |member: &Member<'_>| (&member.arm.name, member.seed) == (&first.arm, first.seed);
        members.iter().position(is_first)
    }
}

/// One replica.
struct Member<'a> {
    arm: &'a Arm,
    seed: u32,
    scheduler: Scheduler,
    has_diverged: bool,
}

/// The replicas of one arm, one per seed.
fn members<'a>(
    experiment: &Experiment,
    arm: &'a Arm,
    layers: usize,
    results: &Results,
) -> Result<Vec<Member<'a>>, Error> {
    let control = |seed: usize| -> Control {
        let Some(placebo) = &arm.placebo else {
            return arm.control.clone();
        };
        let of = results.probes.iter().filter(|row| row.arm == placebo.of);
        placebo::control(
            placebo.kind,
            &of.collect::<Vec<_>>(),
            &experiment.seeds,
            seed,
        )
    };
    let member = |(index, seed): (usize, &u32)| {
        Ok(Member {
            arm,
            seed: *seed,
            scheduler: experiment.scheduler(arm, control(index), layers, *seed)?,
            has_diverged: false,
        })
    };
    experiment.seeds.iter().enumerate().map(member).collect()
}

/// Replicas that train in the same dispatches.
struct Batch<'a> {
    experiment: &'a Experiment,
    trainer: Trainer,
    members: Vec<Member<'a>>,
    /// Batches before it.
    number: usize,
    /// Steps done.
    step: u32,
}

impl<'a> Batch<'a> {
    fn new(
        experiment: &'a Experiment,
        compute: &Compute,
        network: &Network,
        images: &ImageSet,
        members: Vec<Member<'a>>,
    ) -> Result<Self, Error> {
        let replicas: Vec<_> = members.iter().map(|m| (m.arm, m.seed)).collect();
        let spec = experiment.training_spec(network, images, &replicas);
        let mut trainer = Trainer::new(compute, spec)?;
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

    fn train(
        mut self,
        keep: &mut Keep<'_>,
        results: &mut Results,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<ControlFlow<()>, ExperimentError> {
        let steps_per_task = self.experiment.steps_per_task() as u32;
        let interval = self.experiment.interval;
        while self.step < self.experiment.tasks * steps_per_task {
            if self.step > 0 && self.step.is_multiple_of(interval) {
                self.probe(&mut results.probes, tell)?;
                let every = self.experiment.indicators_every;
                if every > 0 && (self.step / interval).is_multiple_of(every) {
                    self.measure_indicators(&mut results.indicators)?;
                }
            }
            let to_task_end = steps_per_task - self.step % steps_per_task;
            let to_probe = interval - self.step % interval;
            let piece = to_task_end.min(to_probe).min(PIECE);
            self.trainer.train(piece)?;
            self.step += piece;
            let is_task_end = piece == to_task_end;
            if is_task_end {
                let task = self.step / steps_per_task - 1;
                self.finish_task(task, &mut results.tasks, tell)?;
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
    fn replica_steps(&self, steps: u32) -> u64 {
        u64::from(steps) * self.members.len() as u64
    }

    /// Writes a checkpoint.
    fn save(
        &mut self,
        directory: &mut RunDirectory,
        results: &Results,
    ) -> Result<(), ExperimentError> {
        let replica = |member: &Member<'_>| Replica {
            arm: member.arm.name.clone(),
            seed: member.seed,
            scheduler: member.scheduler.clone(),
            has_diverged: member.has_diverged,
        };
        let replicas = self.members.iter().map(replica).collect();
        let snapshot = self.trainer.snapshot()?;
        let place = (self.number, self.step);
        directory.save(place, replicas, self.trainer.spec(), &snapshot, results)
    }

    /// Goes on where a checkpoint stands.
    fn restore(&mut self, start: Start) -> Result<(), ExperimentError> {
        let kept = &start.standing.replicas;
        let is_kept = |(own, kept): (&Member<'_>, &Replica)| {
            let layers = own.scheduler.step_sizes().len();
            (&own.arm.name, own.seed, layers)
                == (&kept.arm, kept.seed, kept.scheduler.step_sizes().len())
        };
        if self.members.len() != kept.len() || !self.members.iter().zip(kept).all(is_kept) {
            return Err(start.damaged(OTHER_REPLICAS.to_owned()).into());
        }
        for (own, kept) in self.members.iter().zip(kept) {
            let checked = kept.scheduler.check_continues(&own.scheduler);
            checked.map_err(|error| start.damaged(error.to_string()))?;
        }
        let mut snapshot = self.trainer.snapshot()?;
        let filled = start.tensors.fill(&mut snapshot, self.trainer.spec(), kept);
        filled.map_err(|reason| start.damaged(reason))?;
        let restored = self.trainer.restore(&snapshot);
        restored.map_err(|error| match error {
            Error::Invalid { .. } | Error::Length { .. } => start.damaged(error.to_string()).into(),
            error => ExperimentError::Engine(error),
        })?;
        self.check_step(&start)?;
        self.step = start.standing.step;
        for (member, kept) in self.members.iter_mut().zip(start.standing.replicas) {
            member.scheduler = kept.scheduler;
            member.has_diverged = kept.has_diverged;
        }
        Ok(())
    }

    /// Fails unless all replicas stand at the checkpoint's step, or were halted before it.
    fn check_step(&mut self, start: &Start) -> Result<(), ExperimentError> {
        let step = start.standing.step;
        let all = u64::from(self.experiment.tasks) * self.experiment.steps_per_task();
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

    /// Probes all replicas, lets their schedulers decide, and sets the step sizes. A replica that is not
    /// finite has no statistics: its scheduler does nothing, which is told, and it has no rows.
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
            let observation = observation(self.experiment, member.arm, &stats);
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

    /// Of the minibatch that was probed last.
    fn measure_indicators(&mut self, rows: &mut Vec<IndicatorRow>) -> Result<(), Error> {
        let (task, update) = (
            self.step / self.experiment.steps_per_task() as u32,
            self.step,
        );
        for (member, indicators) in self.members.iter().zip(self.trainer.indicators()?) {
            let row = |indicators| {
                IndicatorRow::new(&member.arm.name, member.seed, task, update, &indicators)
            };
            rows.extend(indicators.ok().map(row));
        }
        Ok(())
    }

    /// The finished task's rows, and who diverged in it.
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

    /// Tells of every replica that diverged, once.
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

/// What a probe measured, as a scheduler sees it.
fn observation(experiment: &Experiment, arm: &Arm, stats: &ProbeStats) -> Observation {
    Observation {
        task: stats.task,
        update: stats.update,
        progress: experiment.progress(stats.update),
        batch: experiment.batch,
        epsilon: arm.optimiser.divisor_offset(),
        layers: stats.layers.iter().map(Statistics::from).collect(),
        network: Statistics::from(&stats.network),
    }
}

#[cfg(test)]
mod tests;
