//! Experiments: arms and seeds on one stream of tasks, probed and steered as they train.
//!
//! An [`Experiment`] is what an experiment file says. [`run`] trains all of it, arms of one network
//! shape together, and returns the rows of the tables; [`presets`] are the paper's experiments.
//!
//! - `file`: experiment files, with all that is wrong with one, and their schema.
//! - `defaults`: what an experiment is where its file does not say.
//! - `presets`: the paper's experiments, small and in the paper's size.
//! - `check`: what an experiment may say.
//! - `text`: the text of experiment files.
//! - `placebo`: controls that are made of another arm's record.
//! - `run`: the loop over tasks and probes.
//! - `directory`: the directory of a run, which one process at a time uses; where a run goes on.
//! - `room`: whether it fits on a device.
//! - `place`: whether a directory can take what a run writes.
//! - `checkpoint`: the file that says where a run stands.
//! - `rows`: the tables so far, which only grow.
//! - `difference`: where two runs first differ.
//! - `record`: rows back to observations, to replay a controller on a record.
//! - `results`: scores, differences between arms, pictures.
//! - `task_indicators`: bounds and indicators averaged over tasks.
//! - `foresight`: how well each of them foretells that accuracy falls.

mod check;
mod checkpoint;
mod defaults;
mod difference;
mod directory;
mod file;
pub(crate) mod foresight;
mod place;
mod placebo;
pub mod presets;
mod record;
pub(crate) mod results;
mod room;
mod rows;
mod run;
mod task_indicators;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::Description;
use crate::error::Error;
use crate::network::{Activation, Network};
use crate::probe::ProbeSpec;
use crate::report::ReportError;
use crate::scheduler::{Control, Estimator, Scheduler};
use crate::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
};

pub(crate) use directory::PARTS;
pub use directory::{DirectoryError, RunDirectory, check_same};
pub use file::{Fault, FileError, schema};
pub use foresight::{ForesightRow, foresight, write_foresight};
pub use place::check_place;
pub use placebo::{Placebo, PlaceboKind};
pub use record::recorded_observations;
pub use results::{
    DifferenceRow, ScoreRow, differences, score_table, scores, write_results, write_scores,
};
pub use run::{Event, Results, run, run_in};
pub use task_indicators::{TaskIndicatorRow, task_indicators, write_task_indicators};
pub use text::read_text;

/// An experiment on random labels or permuted pixels, as it stands in an experiment file. What a file does not say has
/// the value of [`Experiment::default`] or [`Arm::default`], but names have to be there; [`str::parse`] reads one and
/// tells all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// What it is called; names its directory.
    pub name: String,
    /// What it asks.
    #[serde(default)]
    pub question: String,
    /// What a task changes: `"random-labels"`, as in the paper and where a file does not say, or
    /// `"permuted-pixels"`.
    #[serde(default)]
    pub stream: StreamKind,
    /// The data set that it is on, which a run on another one than MNIST leaves in its directory; MNIST where a file
    /// does not say. A run on other data than this is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Description>,
    /// Images of each replica, drawn once (n in the paper).
    #[serde(default = "defaults::images")]
    pub images: u32,
    /// Images in a minibatch (B).
    #[serde(default = "defaults::batch")]
    pub batch: u32,
    /// Passes over the images in one task (E).
    #[serde(default = "defaults::epochs")]
    pub epochs: u32,
    /// Tasks, each with fresh random labels or a fresh permutation of the pixels.
    #[serde(default = "defaults::tasks")]
    pub tasks: u32,
    /// The share of the images that gets fresh labels at a task switch; 1 with permuted pixels.
    #[serde(default = "defaults::relabel_fraction")]
    pub relabel_fraction: f32,
    /// Every arm is trained once with each.
    #[serde(default = "defaults::seeds")]
    pub seeds: Vec<u32>,
    /// Training steps from probe to probe.
    #[serde(default = "defaults::interval")]
    pub interval: u32,
    /// Every how many probes the other indicators are measured too; 0 for never. They cost a readback of the
    /// minibatch's activations and an eigenvalue problem on the host.
    #[serde(default = "defaults::indicators_every")]
    pub indicators_every: u32,
    /// How curvature is measured at a probe.
    #[serde(default)]
    pub probe: ProbeSpec,
    /// How bounds are reported in arms that no bound steers.
    #[serde(default)]
    pub estimator: Estimator,
    /// What is drawn of the results.
    #[serde(default = "defaults::figures")]
    pub figures: Vec<Figure>,
    /// What is compared.
    pub arms: Vec<Arm>,
}

/// A picture of an experiment's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// Online accuracy by task: [`crate::report::accuracies`].
    Accuracies,
    /// The effective step against its bounds: [`crate::report::diagnosis`].
    Diagnosis,
    /// Sharpness and effective step over time: [`crate::report::probe_chart`].
    Probes,
    /// Each layer's effective step against its combined bound: [`crate::report::layer_bounds`].
    LayerBounds,
    /// Step sizes over time: [`crate::report::trajectories`].
    Trajectories,
}

/// One configuration, trained once with every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// What tables and legends call it. What stands before ": " groups it with others in pictures.
    pub name: String,
    /// Widths of the hidden layers.
    #[serde(default = "defaults::hidden")]
    pub hidden: Vec<u32>,
    /// The nonlinearity of the hidden layers.
    #[serde(default = "defaults::activation")]
    pub activation: Activation,
    /// The step size at the start.
    #[serde(default = "defaults::step_size")]
    pub step_size: f64,
    /// Coupled L2, which adds so much of every parameter to its gradient. See [`ReplicaSpec::l2`].
    #[serde(default)]
    pub l2: f32,
    /// L2 towards the initial parameters. See [`ReplicaSpec::l2_init`].
    #[serde(default)]
    pub l2_init: f32,
    /// The Wasserstein regulariser. See [`ReplicaSpec::wasserstein`].
    #[serde(default)]
    pub wasserstein: f32,
    /// What a task switch resets.
    #[serde(default)]
    pub at_task_switch: TaskSwitch,
    /// A control made of another arm's record, in place of `control`, which is then `constant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placebo: Option<Placebo>,
    /// What makes an update of a gradient.
    #[serde(default)]
    pub optimiser: Optimiser,
    /// What decides the step sizes.
    #[serde(default)]
    pub control: Control,
}

/// Why an experiment cannot be run, or was not run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The experiment as a whole asks for something that cannot be.
    #[error("experiment {name:?}: {what}: wanted {wanted}, found {found}")]
    Invalid {
        /// The experiment's name.
        name: String,
        /// The field.
        what: &'static str,
        /// The range.
        wanted: String,
        /// The value.
        found: String,
    },
    /// One arm does.
    #[error("arm {arm:?}")]
    Arm {
        /// The arm's name.
        arm: String,
        /// What is wrong with it.
        source: Error,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] Error),
    /// A table or a picture cannot be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The run's directory, or what is in it, cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl Experiment {
    /// Training steps of one task; 0 where the minibatch is empty or larger than the images.
    pub fn steps_per_task(&self) -> u64 {
        let batches = self.images.checked_div(self.batch).unwrap_or(0);
        u64::from(batches) * u64::from(self.epochs)
    }

    /// The data set that it is on.
    pub fn data(&self) -> Description {
        self.data.clone().unwrap_or_else(Description::mnist)
    }

    /// The same on the data set of `images`, where the experiment does not name one.
    #[must_use]
    pub fn on(self, images: &ImageSet) -> Self {
        let found = images.description().cloned();
        let data = self.data.or(found);
        let data = data.filter(|data| *data != Description::mnist());
        Self { data, ..self }
    }

    /// The network of one of its arms.
    fn network(&self, arm: &Arm) -> Result<Network, Error> {
        let data = self.data();
        let pixels = data.shape.pixels().unwrap_or(0);
        let mut widths = vec![pixels];
        widths.extend(&arm.hidden);
        widths.push(data.classes);
        Network::new(&widths, arm.activation)
    }

    /// The share of its task that is done after `update` updates, 0 to 1.
    fn progress(&self, update: u32) -> f64 {
        let steps = self.steps_per_task() as f64;
        (f64::from(update) % steps) / steps
    }

    /// Arms (all of one shape) and seeds as one batch of replicas.
    fn training_spec(
        &self,
        network: &Network,
        images: &ImageSet,
        members: &[(&Arm, u32)],
    ) -> TrainingSpec {
        let replica = |(arm, seed): &(&Arm, u32)| ReplicaSpec {
            seed: *seed,
            step_size: arm.step_size as f32,
            l2: arm.l2,
            l2_init: arm.l2_init,
            wasserstein: arm.wasserstein,
            optimiser: arm.optimiser,
            at_task_switch: arm.at_task_switch,
        };
        TrainingSpec {
            network: network.clone(),
            batch: self.batch,
            replicas: members.iter().map(replica).collect(),
            stream: Some(TaskStream {
                kind: self.stream,
                images: images.clone(),
                subset: self.images,
                epochs: self.epochs,
                relabel_fraction: self.relabel_fraction,
            }),
            probe: Some(self.probe),
        }
    }

    /// Of one replica of `arm`, under `control`.
    fn scheduler(
        &self,
        arm: &Arm,
        control: Control,
        layers: usize,
        seed: u32,
    ) -> Result<Scheduler, Error> {
        let is_bound = matches!(control, Control::Bound(_));
        let scheduler = Scheduler::new(control, arm.step_size, layers, seed)?;
        if is_bound {
            Ok(scheduler)
        } else {
            scheduler.with_estimator(self.estimator)
        }
    }
}

impl Arm {
    /// What stands beside the root of the second moment: for SGD, which has no second moment, 1, so
    /// that the step size itself remains.
    fn epsilon(&self) -> f64 {
        match self.optimiser {
            Optimiser::Adam { epsilon, .. } => epsilon.into(),
            Optimiser::Sgd { .. } => 1.0,
        }
    }
}
