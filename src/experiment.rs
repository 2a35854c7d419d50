//! Experiments: arms and seeds on one stream of tasks, probed and steered as they train.
//!
//! An [`Experiment`] is the content of an experiment file. [`run`] trains all of it, arms of one network shape together,
//! and returns the rows of the tables. [`presets`] has the paper's experiments. A host adds controllers of its own with
//! [`run_with`].
//!
//! - `file`: the reader and writer of experiment files, the list of a file's faults, and the schema.
//! - `defaults`: the values of fields that a file leaves out.
//! - `presets`: the paper's experiments, in a small size and in the paper's.
//! - `check`: the ranges of an experiment's fields.
//! - `text`: the text of experiment files.
//! - `placebo`: controls that are made of another arm's record.
//! - `controllers`: the controllers of a host, by name ([`Controllers`]).
//! - `steered`: schedulers of a run, whatever steers them.
//! - `run`: the loop over tasks and probes.
//! - `directory`: the directory of a run, which one process at a time uses, and from which a run goes on.
//! - `room`: the check that an experiment fits on a device.
//! - `place`: the check that a directory can take the files of a run.
//! - `checkpoint`: the file from which a run goes on.
//! - `rows`: the tables of an unfinished run, which only grow.
//! - `difference`: the first difference between two runs.
//! - `dispatches`: the number of dispatches of a training step.
//! - `record`: the way from rows back to observations, to replay a controller on a record.
//! - `results`: scores, differences between arms, all tables.
//! - `event_files`: TensorBoard's event files.
//! - `task_indicators`: bounds and indicators averaged over tasks.
//! - `early_warning`: the quality of each bound and indicator as an early warning of drops in accuracy.

mod check;
mod checkpoint;
mod clipping_form;
mod controllers;
mod defaults;
mod difference;
mod directory;
mod dispatches;
mod early_warning;
mod event_files;
mod file;
mod place;
mod placebo;
pub mod presets;
mod record;
mod results;
mod room;
mod rows;
mod run;
mod steered;
mod task_indicators;
mod text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::Description;
use crate::error::Error;
use crate::files::WriteError;
use crate::network::{Activation, Architecture, Network};
use crate::probe::ProbeSpec;
use crate::scheduler::{Control, Estimator};
use crate::spec::{
    ImageSet, Intervention, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch,
    TrainingSpec, UpdateClipping,
};
use crate::tasks::TaskLengths;

pub(crate) use check::{LONGEST_NAME, is_name};
pub use controllers::{Controllers, HostControl};
pub(crate) use directory::PARTS;
pub use directory::{DirectoryError, RunDirectory, check_same};
pub use early_warning::early_warning;
pub use file::{Fault, FileError, schema};
pub use place::check_place;
pub use placebo::{Placebo, PlaceboKind};
pub use record::recorded_observations;
pub(crate) use results::difference;
pub use results::{differences, score_name, score_table, scores, write_tables};
pub use run::{Event, Results, run, run_in, run_in_with, run_with};
use steered::Steered;
pub use task_indicators::task_indicators;
pub use text::read_text;

/// An experiment on a stream of tasks, as it stands in an experiment file. A field that a file leaves out has its value in
/// [`Experiment::default`] or [`Arm::default`]; only names are required. [`str::parse`] reads a file and lists all of its
/// faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Experiment {
    /// The experiment's name, which is also the name of its directory.
    pub name: String,
    /// The question that it asks.
    #[serde(default)]
    pub question: String,
    /// The part of the data that a task changes: `"random-labels"`, as in the paper and as the default,
    /// `"permuted-pixels"`, `"label-permutation"`, `{ noisy-labels = { share = 0.5 } }`, `"class-pairs"`, `"hard-easy"`,
    /// `{ growing-data = { stages = 10 } }`, `{ recurring-tasks = { period = 5 } }`, `{ gradual-switches = { stretch = 0.5 } }`
    /// or `{ regression = { share = 0.125 } }`. See [`StreamKind`].
    #[serde(default)]
    pub stream: StreamKind,
    /// The data set; MNIST where a file leaves it out. A run on another data set records it in its directory. A run on
    /// data that is not this is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Description>,
    /// The number of images of each replica, drawn once (n in the paper).
    #[serde(default = "defaults::images")]
    pub images: u32,
    /// The number of images in a minibatch (B).
    #[serde(default = "defaults::batch")]
    pub batch: u32,
    /// The number of passes over the images in one task (E).
    #[serde(default = "defaults::epochs")]
    pub epochs: u32,
    /// The number of tasks.
    #[serde(default = "defaults::tasks")]
    pub tasks: u32,
    /// The share of the images that gets fresh labels at a task switch; 1 on streams whose labels are made of the true ones,
    /// and for regression.
    #[serde(default = "defaults::relabel_fraction")]
    pub relabel_fraction: f32,
    /// The seed of random task lengths. With it, the number of training steps of each task is drawn uniformly from 0.5 to
    /// 1.5 times the mean, which is images / batch * epochs; all arms and seeds have the same lengths. Without it, every
    /// task has the mean length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_seed: Option<u32>,
    /// The seeds: every arm is trained once with each.
    #[serde(default = "defaults::seeds")]
    pub seeds: Vec<u32>,
    /// The number of training steps from probe to probe.
    #[serde(default = "defaults::interval")]
    pub interval: u32,
    /// The number of probes from one measurement of the other indicators to the next; 0 for never. They cost a readback of
    /// the minibatch's activations and an eigenvalue problem on the host.
    #[serde(default = "defaults::indicators_every")]
    pub indicators_every: u32,
    /// The method that measures curvature at a probe.
    #[serde(default)]
    pub probe: ProbeSpec,
    /// The estimator of the bounds that are reported for arms whose controller has no estimator of its own.
    #[serde(default)]
    pub estimator: Estimator,
    /// The pictures that are drawn of the results.
    #[serde(default = "defaults::figures")]
    pub figures: Vec<Figure>,
    /// The arms that are compared.
    pub arms: Vec<Arm>,
}

/// A picture of an experiment's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// The online accuracy by task.
    Accuracies,
    /// The effective step against its bounds.
    Diagnosis,
    /// The sharpness and the effective step over time.
    Probes,
    /// Each layer's effective step against its combined bound.
    LayerBounds,
    /// The step sizes over time.
    Trajectories,
}

/// One configuration, trained once with every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// The arm's name in tables and legends. The part before ": " groups it with others in pictures.
    pub name: String,
    /// The network: `"mlp"`, a perceptron of `hidden` and `activation`, as the default; `"lenet"`, `"resnet-small"` or
    /// `"vit-small"`; or a list of items. Beside all but a perceptron, `hidden` and `activation` have their defaults.
    #[serde(default, skip_serializing_if = "Architecture::is_mlp")]
    pub network: Architecture,
    /// The widths of a perceptron's hidden layers.
    #[serde(default = "defaults::hidden")]
    pub hidden: Vec<u32>,
    /// The nonlinearity of a perceptron's hidden layers.
    #[serde(default = "defaults::activation")]
    pub activation: Activation,
    /// The step size at the start.
    #[serde(default = "defaults::step_size")]
    pub step_size: f64,
    /// Coupled L2: the share of every parameter that is added to its gradient. See [`ReplicaSpec::l2`].
    #[serde(default)]
    pub l2: f32,
    /// The strength of L2 towards the initial parameters. See [`ReplicaSpec::l2_init`].
    #[serde(default)]
    pub l2_init: f32,
    /// The strength of the Wasserstein regulariser. See [`ReplicaSpec::wasserstein`].
    #[serde(default)]
    pub wasserstein: f32,
    /// The strength of spectral regularisation; none where it is left out. See [`ReplicaSpec::spectral`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub spectral: f32,
    /// The state that a task switch resets.
    #[serde(default)]
    pub at_task_switch: TaskSwitch,
    /// What else changes the parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Intervention>,
    /// A control made of another arm's record, in place of `control`, which is then `constant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placebo: Option<Placebo>,
    /// A controller of the program that runs the experiment, in place of `control`, which is then `constant`. The
    /// program `trainable` has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_control: Option<HostControl>,
    /// The rule that turns a gradient into an update.
    #[serde(default)]
    pub optimiser: Optimiser,
    /// The clipping of updates, by layer and at every update; none where it is left out. `"with-hold"` has the usual settings. See
    /// [`UpdateClipping`].
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "clipping_form::read"
    )]
    #[schemars(with = "Option<clipping_form::UpdateClippingForm>")]
    pub update_clipping: Option<UpdateClipping>,
    /// The largest norm of a gradient; none where it is left out. See [`ReplicaSpec::gradient_clipping`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_clipping: Option<f32>,
    /// The controller, which decides the step sizes.
    #[serde(default)]
    pub control: Control,
}

/// Whether a strength is left out of a file, so that files from before there was such a regulariser are written as they were.
fn is_zero(strength: &f32) -> bool {
    *strength == 0.0
}

/// The reason why an experiment cannot be run, or was not run to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// A field of the experiment as a whole is out of range.
    #[error("experiment {name:?}: {what}: wanted {wanted}, found {found}")]
    Invalid {
        /// The experiment's name.
        name: String,
        /// The field's name.
        what: &'static str,
        /// The field's range.
        wanted: String,
        /// The field's value.
        found: String,
    },
    /// A field of one arm is out of range.
    #[error("arm {arm:?}")]
    Arm {
        /// The arm's name.
        arm: String,
        /// The field, its range and its value.
        source: Error,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] Error),
    /// A table or another file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The run's directory, or a file in it, cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl Experiment {
    /// The lengths of tasks in training steps.
    pub fn task_lengths(&self) -> TaskLengths {
        TaskLengths {
            mean: self.steps_per_task(),
            switch_seed: self.switch_seed,
        }
    }

    /// The number of training steps of one replica, 2^64 - 1 at most.
    fn replica_steps(&self) -> u64 {
        let last = self.tasks.checked_sub(1);
        last.map_or(0, |last| self.task_lengths().end_of(last))
    }

    /// The mean number of training steps of one task; 0 where the minibatch is empty or larger than the images.
    /// [`Self::task_lengths`] has the number of each task.
    pub fn steps_per_task(&self) -> u64 {
        let batches = self.images.checked_div(self.batch).unwrap_or(0);
        u64::from(batches) * u64::from(self.epochs)
    }

    /// The data set.
    pub fn data(&self) -> Description {
        self.data.clone().unwrap_or_else(Description::mnist)
    }

    /// The number of classes that a task of the stream tells apart; `None` where it has none.
    pub(crate) fn guessed_classes(&self) -> Option<u32> {
        self.stream.labels_among(self.data().classes)
    }

    /// The accuracy of guessing; for squared error that of outputs that are all zero.
    pub(crate) fn chance(&self) -> f64 {
        let classes = self.guessed_classes();
        classes.map_or(0.0, |classes| 1.0 / f64::from(classes))
    }

    /// The same experiment on the data set of `images`, where it does not name one.
    #[must_use]
    pub fn on(self, images: &ImageSet) -> Self {
        let found = images.description().cloned();
        let data = self.data.or(found);
        let data = data.filter(|data| *data != Description::mnist());
        Self { data, ..self }
    }

    /// Whether a seed means the same images, labels, permutations, orders and task lengths in both experiments.
    pub(crate) fn has_stream_of(&self, other: &Self) -> bool {
        let stream = |of: &Self| {
            let lengths = (of.images, of.batch, of.epochs, of.tasks, of.switch_seed);
            (of.stream, of.data(), lengths)
        };
        stream(self) == stream(other) && self.relabel_fraction == other.relabel_fraction
    }

    /// The network of one of the experiment's arms.
    pub(crate) fn network(&self, arm: &Arm) -> Result<Network, Error> {
        let data = self.data();
        let network = &arm.network;
        network.network(data.shape.into(), data.classes, &arm.hidden, arm.activation)
    }

    /// The specification of replicas that train together: one for each arm and seed in `members`, all of one shape.
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
            spectral: arm.spectral,
            optimiser: arm.optimiser,
            update_clipping: arm.update_clipping,
            gradient_clipping: arm.gradient_clipping,
            at_task_switch: arm.at_task_switch,
            interventions: arm.interventions.clone(),
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
                switch_seed: self.switch_seed,
            }),
            probe: Some(self.probe),
        }
    }

    /// The scheduler of one replica of `arm`, whose control `placebo` replaces.
    fn scheduler(
        &self,
        arm: &Arm,
        placebo: Option<Control>,
        layers: usize,
        seed: u32,
        controllers: &Controllers,
    ) -> Result<Box<dyn Steered>, Error> {
        let replica = controllers::Replica {
            step_size: arm.step_size,
            layers,
            seed,
            estimator: self.estimator,
        };
        match &arm.host_control {
            Some(host) => controllers.scheduler(host, &replica),
            None => replica.scheduler(placebo.unwrap_or_else(|| arm.control.clone())),
        }
    }
}
