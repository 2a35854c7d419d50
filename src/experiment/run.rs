//! Trains an experiment: all replicas of one network shape together, probed and steered.
//!
//! - `event`: the events of a run, and its results.
//! - `batch`: replicas that train together.

mod batch;
mod event;

use std::ops::ControlFlow;

use super::checkpoint::Standing;
use super::directory::{RunDirectory, Start};
use super::room::Device;
use super::steered::Steered;
use super::{Arm, Controllers, Experiment, ExperimentError, placebo};
use crate::compute::Compute;
use crate::error::Error;
use crate::gpu;
use crate::network::Network;
use crate::spec::ImageSet;

use batch::{Batch, trainer};
pub use event::{Event, Results};

/// Trains all of `experiment` on `compute`, and calls `tell` with what happens.
///
/// Arms of one network shape train in the same dispatches, as many as the device's buffers and its memory hold. Placebos
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
        device: compute,
        images,
    };
    let (results, _) = train_all(&job, None, &mut tell)?;
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
        device: compute,
        images,
    };
    let (results, flow) = train_all(&job, Some(&mut directory), &mut tell)?;
    Ok(flow.is_continue().then_some((results, directory)))
}

/// The directory for checkpoints, if there is one.
type Keep<'a> = Option<&'a mut RunDirectory>;

/// An experiment and the means to run it.
#[derive(Clone, Copy)]
struct Job<'a> {
    experiment: &'a Experiment,
    controllers: &'a Controllers,
    device: &'a dyn Device,
    images: &'a ImageSet,
}

/// Trains all of a job. Returns the rows, and `Break` where the run was stopped before its end.
fn train_all(
    job: &Job<'_>,
    keep: Keep<'_>,
    tell: &mut impl FnMut(Event<'_>),
) -> Result<(Results, ControlFlow<()>), ExperimentError> {
    job.experiment.check_with(job.images, job.controllers)?;
    job.experiment.check_room_on(job.device, job.images)?;
    let mut course = Course::new(keep);
    for is_placebo in [false, true] {
        for (network, members) in shapes(job, is_placebo, &course.results)? {
            let flow = course.train_shape(job, &network, members, tell)?;
            if flow.is_break() {
                return Ok((course.results, flow));
            }
        }
    }
    if let Some(start) = course.start {
        return Err(start.damaged(OTHER_REPLICAS.to_owned()).into());
    }
    course.results.sort(job.experiment);
    Ok((course.results, ControlFlow::Continue(())))
}

/// The course of a run from batch to batch.
struct Course<'a> {
    keep: Keep<'a>,
    /// The checkpoint from which the run goes on, until its batch is restored.
    start: Option<Start>,
    results: Results,
    /// The number of batches that are finished.
    batches: usize,
}

impl<'a> Course<'a> {
    /// The course from the directory's checkpoint on, or from the beginning.
    fn new(mut keep: Keep<'a>) -> Self {
        let mut start = keep.as_mut().and_then(|directory| directory.take_start());
        let results = start
            .as_mut()
            .map(|start| std::mem::take(&mut start.results));
        Self {
            keep,
            start,
            results: results.unwrap_or_default(),
            batches: 0,
        }
    }

    /// Trains the replicas of one network shape, as many together as fit.
    fn train_shape(
        &mut self,
        job: &Job<'_>,
        network: &Network,
        mut members: Vec<Member<'_>>,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<ControlFlow<()>, ExperimentError> {
        let mut arms: Vec<_> = members.iter().map(|member| member.arm).collect();
        arms.dedup_by_key(|arm| &arm.name);
        let kinds = job.experiment.one_of_each(network, job.images, arms);
        let mut fit = job.device.replicas_that_fit(&kinds)?;
        if members.len() > fit {
            let replicas = members.len();
            tell(Event::Split { replicas, fit });
        }
        let mut next = match &self.start {
            Some(start) => {
                let finished = finished(job.experiment, &start.standing, &mut members);
                if finished > 0 {
                    tell(Event::Resumed(finished));
                }
                self.batches = start.standing.batch;
                // The number that fit may have changed since the checkpoint was written.
                start.standing.replicas.len()
            }
            None => fit,
        };
        while !members.is_empty() {
            let count = members.len().min(next);
            let trainer = match trainer(job, network, &members[..count]) {
                // No device tells before how much memory it has. A checkpoint is of as many replicas as it says.
                Err(error) if count > 1 && self.start.is_none() && is_out_of_memory(&error) => {
                    fit = count.div_ceil(2);
                    next = fit;
                    let replicas = members.len();
                    tell(Event::Split { replicas, fit });
                    continue;
                }
                trainer => trainer?,
            };
            let rest = members.split_off(count);
            let batch = Batch::new(job.experiment, trainer, members)?;
            let flow = self.train_batch(batch, tell)?;
            if flow.is_break() {
                return Ok(flow);
            }
            (members, next) = (rest, fit);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Trains one batch to its end, from the checkpoint on if it is the checkpoint's.
    fn train_batch(
        &mut self,
        mut batch: Batch<'_>,
        tell: &mut impl FnMut(Event<'_>),
    ) -> Result<ControlFlow<()>, ExperimentError> {
        batch.number = self.batches;
        if let Some(start) = self.start.take() {
            batch.restore(start)?;
            tell(Event::Resumed(batch.replica_steps(batch.step)));
        }
        let flow = batch.train(&mut self.keep, &mut self.results, tell)?;
        self.batches += 1;
        Ok(flow)
    }
}

fn is_out_of_memory(error: &Error) -> bool {
    matches!(error.gpu(), Some(gpu::Error::OutOfMemory { .. }))
}

/// Removes from `members` the replicas that were finished before the checkpoint; returns their steps, summed.
fn finished(experiment: &Experiment, standing: &Standing, members: &mut Vec<Member<'_>>) -> u64 {
    let place = standing.position_in(members).unwrap_or(members.len());
    members.drain(..place);
    experiment.replica_steps() * place as u64
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
            let members = members(job, arm, network.blocks().len(), results)?;
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
