//! Trains an experiment: all replicas of one network shape together, probed and steered.

use super::{Arm, Experiment, ExperimentError, placebo};
use crate::error::Error;
use crate::network::Network;
use crate::probe::ProbeStats;
use crate::progress::Halt;
use crate::report::{IndicatorRow, ProbeRow, TaskRow, probe_rows};
use crate::scheduler::{Control, Observation, Scheduler, Statistics};
use crate::spec::ImageSet;
use crate::trainer::{Compute, Trainer};

/// Steps between two events, at the most, so that progress can be shown.
const PIECE: u32 = 100;

/// What happens while an experiment runs.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// All replicas of a batch went on by this many steps; the sum over the steps of every replica is
    /// [`Experiment::total_steps`].
    Steps(u64),
    /// A replica finished a task.
    Task(&'a TaskRow),
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

impl Experiment {
    /// Training steps of all replicas together.
    pub fn total_steps(&self) -> u64 {
        let replicas = self.arms.len() as u64 * self.seeds.len() as u64;
        replicas * u64::from(self.tasks) * self.steps_per_task()
    }
}

/// Trains all of `experiment` on `compute` and tells what happens as it does.
///
/// Arms of one network shape train in the same dispatches, as many as the device's buffers hold. Placebos
/// train after the arms whose records they are made of.
///
/// # Errors
/// Those of [`Experiment::check`] before anything is trained; a device that fails.
pub fn run(
    experiment: &Experiment,
    compute: &Compute,
    images: &ImageSet,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Results, ExperimentError> {
    experiment.check(images)?;
    let mut results = Results::default();
    for is_placebo in [false, true] {
        let mut shapes: Vec<(Network, Vec<Member<'_>>)> = Vec::new();
        for arm in &experiment.arms {
            if arm.placebo.is_some() == is_placebo {
                let network = arm.network()?;
                let members = members(experiment, arm, network.layers().len(), &results)?;
                match shapes.iter_mut().find(|(known, _)| *known == network) {
                    Some((_, known)) => known.extend(members),
                    None => shapes.push((network, members)),
                }
            }
        }
        for (network, mut members) in shapes {
            let one = experiment.training_spec(&network, images, &[(members[0].arm, 0)]);
            let fit = compute.replicas_that_fit(&one)?;
            while !members.is_empty() {
                let rest = members.split_off(members.len().min(fit));
                Batch::new(experiment, compute, &network, images, members)?
                    .train(&mut results, &mut tell)?;
                members = rest;
            }
        }
    }
    let place = |name: &str| experiment.arms.iter().position(|arm| arm.name == name);
    results.tasks.sort_by_key(|row| (place(&row.arm), row.seed));
    results
        .probes
        .sort_by_key(|row| (place(&row.arm), row.seed));
    results
        .indicators
        .sort_by_key(|row| (place(&row.arm), row.seed));
    Ok(results)
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
        Ok(Self {
            experiment,
            trainer: Trainer::new(compute, spec)?,
            members,
        })
    }

    fn train(
        mut self,
        results: &mut Results,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<(), Error> {
        let steps_per_task = self.experiment.steps_per_task() as u32;
        for task in 0..self.experiment.tasks {
            let mut step = task * steps_per_task;
            let end = step + steps_per_task;
            while step < end {
                let interval = self.experiment.interval;
                if step > 0 && step.is_multiple_of(interval) {
                    self.probe(&mut results.probes)?;
                    let every = self.experiment.indicators_every;
                    if every > 0 && (step / interval).is_multiple_of(every) {
                        self.measure_indicators(task, step, &mut results.indicators)?;
                    }
                }
                let piece = (end - step).min(interval - step % interval).min(PIECE);
                self.trainer.train(piece)?;
                tell(Event::Steps(u64::from(piece) * self.members.len() as u64));
                step += piece;
            }
            self.finish_task(task, &mut results.tasks, tell)?;
        }
        Ok(())
    }

    /// Probes all replicas, lets their schedulers decide, and sets the step sizes. A replica that
    /// diverged has no statistics: its scheduler does nothing, and it has no rows.
    fn probe(&mut self, rows: &mut Vec<ProbeRow>) -> Result<(), Error> {
        let probes = self.trainer.probe()?;
        for (replica, (member, stats)) in self.members.iter_mut().zip(probes).enumerate() {
            let Ok(stats) = stats else {
                continue;
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
    fn measure_indicators(
        &mut self,
        task: u32,
        update: u32,
        rows: &mut Vec<IndicatorRow>,
    ) -> Result<(), Error> {
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
        for (member, progress) in self.members.iter_mut().zip(self.trainer.progress()?) {
            if let Some(score) = progress.score(task) {
                rows.push(TaskRow::new(&member.arm.name, member.seed, &score));
                tell(Event::Task(&rows[rows.len() - 1]));
            } else if let Some(halt) = progress.halted.filter(|_| !member.has_diverged) {
                member.has_diverged = true;
                tell(Event::Diverged {
                    arm: &member.arm.name,
                    seed: member.seed,
                    halt,
                });
            }
        }
        Ok(())
    }
}

/// What a probe measured, as a scheduler sees it.
fn observation(experiment: &Experiment, arm: &Arm, stats: &ProbeStats) -> Observation {
    Observation {
        task: stats.task,
        update: stats.update,
        progress: experiment.progress(stats.update),
        batch: experiment.batch,
        epsilon: arm.epsilon(),
        layers: stats.layers.iter().map(Statistics::from).collect(),
        network: Statistics::from(&stats.network),
    }
}
