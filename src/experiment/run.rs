//! Trains an experiment: all replicas of one network shape together, probed and steered.
//!
//! - `event`: what a run tells while it goes on, and what it returns.
//! - `batch`: replicas that train together.

mod batch;
mod event;

use std::ops::ControlFlow;

use super::checkpoint::Standing;
use super::directory::RunDirectory;
use super::steered::Steered;
use super::{Arm, Controllers, Experiment, ExperimentError, placebo};
use crate::error::Error;
use crate::network::Network;
use crate::spec::{ImageSet, TrainingSpec};
use crate::trainer::Compute;

use batch::Batch;
pub use event::{Event, Results};

/// Trains all of `experiment` on `compute`, and calls `tell` with what happens.
///
/// Arms of one network shape train in the same dispatches, as many as the device's buffers or the memory hold. Placebos
/// train after the arms whose records they are made of.
///
/// # Errors
/// The errors of [`Experiment::check`] and [`Experiment::check_room`], before anything is trained; the errors of a
/// device that fails.
pub fn run(
    experiment: &Experiment,
    compute: &Compute,
    images: &ImageSet,
    tell: impl FnMut(Event<'_>),
) -> Result<Results, ExperimentError> {
    run_with(experiment, &Controllers::default(), compute, images, tell)
}

/// Trains as [`run`] does, with `controllers` for the arms that have a [`HostControl`](super::HostControl).
///
/// # Errors
/// The errors of [`run`], those of [`Experiment::check_with`], and [`Error::Invalid`] or [`Error::Length`] for step
/// sizes that a controller must not return.
pub fn run_with(
    experiment: &Experiment,
    controllers: &Controllers,
    compute: &Compute,
    images: &ImageSet,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Results, ExperimentError> {
    let job = Job {
        experiment,
        controllers,
        compute,
        images,
        fit: &|spec: &TrainingSpec| compute.replicas_that_fit(spec),
    };
    let (results, _) = train_all(&job, &mut None, &mut tell)?;
    Ok(results)
}

/// Trains as [`run`] does, in a directory that was opened for the same experiment, device and images. The run goes on
/// from the directory's checkpoint, and writes another at every task end and whenever a minute has passed. However it
/// was interrupted before, it returns the rows of a run that was not. The directory comes back with them, to be
/// [finished](RunDirectory::finish) once the tables are written.
///
/// Returns `None` where the run was stopped: see [`RunDirectory::stopped_by`]. Then, and after an error, the directory
/// can be opened anew with [`RunDirectory::resume`].
///
/// # Errors
/// The errors of [`run`]; a checkpoint that is not of this run, or one that cannot be written.
pub fn run_in(
    directory: RunDirectory,
    experiment: &Experiment,
    compute: &Compute,
    images: &ImageSet,
    tell: impl FnMut(Event<'_>),
) -> Result<Option<(Results, RunDirectory)>, ExperimentError> {
    let controllers = Controllers::default();
    run_in_with(directory, experiment, &controllers, compute, images, tell)
}

/// Trains as [`run_in`] does, with `controllers` for the arms that have a [`HostControl`](super::HostControl). The
/// checkpoint holds their controllers, serialised.
///
/// # Errors
/// The errors of [`run_in`] and [`run_with`].
pub fn run_in_with(
    mut directory: RunDirectory,
    experiment: &Experiment,
    controllers: &Controllers,
    compute: &Compute,
    images: &ImageSet,
    mut tell: impl FnMut(Event<'_>),
) -> Result<Option<(Results, RunDirectory)>, ExperimentError> {
    let job = Job {
        experiment,
        controllers,
        compute,
        images,
        fit: &|spec: &TrainingSpec| compute.replicas_that_fit(spec),
    };
    let (results, flow) = train_all(&job, &mut Some(&mut directory), &mut tell)?;
    Ok(flow.is_continue().then_some((results, directory)))
}

/// The number of replicas like the one given that train together.
type Fit<'a> = &'a dyn Fn(&TrainingSpec) -> Result<usize, Error>;

/// The directory for checkpoints, if there is one.
type Keep<'a> = Option<&'a mut RunDirectory>;

/// What is trained, and with what.
#[derive(Clone, Copy)]
struct Job<'a> {
    experiment: &'a Experiment,
    controllers: &'a Controllers,
    compute: &'a Compute,
    images: &'a ImageSet,
    fit: Fit<'a>,
}

/// Trains all of a job. Returns the rows, and `Break` where the run was stopped before its end.
fn train_all(
    job: &Job<'_>,
    keep: &mut Keep<'_>,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<(Results, ControlFlow<()>), ExperimentError> {
    let Job {
        experiment,
        compute,
        images,
        ..
    } = *job;
    experiment.check_with(images, job.controllers)?;
    experiment.check_room(compute, images)?;
    let mut start = keep.as_mut().and_then(|directory| directory.take_start());
    let mut results = match &mut start {
        Some(start) => std::mem::take(&mut start.results),
        None => Results::default(),
    };
    let mut number = 0;
    for is_placebo in [false, true] {
        for (network, mut members) in shapes(job, is_placebo, &results)? {
            let one = experiment.typical_spec(&network, images, members.iter().map(|m| m.arm));
            let fit = (job.fit)(&one)?;
            if members.len() > fit {
                let replicas = members.len();
                tell(Event::Split { replicas, fit });
            }
            // The checkpoint says which replicas it holds, because the number that fit may have changed since.
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
                let mut batch = Batch::new(job, &network, members)?;
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

/// The reason why a checkpoint of other replicas is refused.
const OTHER_REPLICAS: &str = "its replicas are not those that train together here";

/// The replicas of each network shape. Those of one shape could train together.
fn shapes<'a>(
    job: &Job<'a>,
    is_placebo: bool,
    results: &Results,
) -> Result<Vec<(Network, Vec<Member<'a>>)>, Error> {
    let mut shapes: Vec<(Network, Vec<Member<'_>>)> = Vec::new();
    for arm in &job.experiment.arms {
        if arm.placebo.is_some() == is_placebo {
            let network = job.experiment.network(arm)?;
            let members = members(job, arm, network.layers().len(), results)?;
            match shapes.iter_mut().find(|(known, _)| *known == network) {
                Some((_, known)) => known.extend(members),
                None => shapes.push((network, members)),
            }
        }
    }
    Ok(shapes)
}

impl Standing {
    /// The place of its first replica among `members`. The replicas before it are finished.
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
    scheduler: Box<dyn Steered>,
    has_diverged: bool,
}

/// The replicas of one arm, one per seed.
fn members<'a>(
    job: &Job<'a>,
    arm: &'a Arm,
    layers: usize,
    results: &Results,
) -> Result<Vec<Member<'a>>, Error> {
    let Job {
        experiment,
        controllers,
        ..
    } = *job;
    let placebo = |index: usize| {
        let placebo = arm.placebo.as_ref()?;
        let of = results.probes.iter().filter(|row| row.arm == placebo.of);
        let of: Vec<_> = of.collect();
        let control = placebo::control(placebo.kind, &of, &experiment.seeds, index);
        Some(control)
    };
    let member = |(index, seed): (usize, &u32)| {
        Ok(Member {
            arm,
            seed: *seed,
            scheduler: experiment.scheduler(arm, placebo(index), layers, *seed, controllers)?,
            has_diverged: false,
        })
    };
    experiment.seeds.iter().enumerate().map(member).collect()
}

#[cfg(test)]
mod tests;
