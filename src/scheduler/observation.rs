//! What a probe measured of one replica, as controllers see it.

use serde::{Deserialize, Serialize};

use super::Scope;
use crate::error::Error;
use crate::probe::{LayerStats, ProbeStats};
use crate::spec::TrainingSpec;

/// The statistics that a probe measured of one layer, or of the network. Each field is the field of the same name in
/// [`LayerStats`], unless its description differs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Trainable parameters.
    pub parameters: usize,
    /// The layer's step size eta.
    pub step_size: f64,
    /// The layer's effective step alpha; `None` before the first update.
    pub effective_step: Option<f64>,
    /// The dominant eigenvalue of the loss's Hessian; `None` where it is not finite.
    pub sharpness: Option<f64>,
    /// |g|^2 without regularisers.
    pub grad_norm_sq: f64,
    /// |g|^2 with regularisers.
    pub objective_grad_norm_sq: f64,
    /// Within-batch gradient variance S.
    pub grad_variance: f64,
    /// Mean of Adam's second moment over all parameters, biases included, without bias correction. Bounds use only the
    /// network's.
    pub second_moment: f64,
}

impl From<&LayerStats> for Statistics {
    fn from(stats: &LayerStats) -> Self {
        Self {
            parameters: stats.parameters,
            step_size: stats.step_size,
            effective_step: stats.effective_step,
            sharpness: stats.sharpness.map(|sharpness| sharpness.eigenvalue),
            grad_norm_sq: stats.grad_norm_sq,
            objective_grad_norm_sq: stats.objective_grad_norm_sq,
            grad_variance: stats.grad_variance,
            second_moment: stats.second_moment,
        }
    }
}

/// The statistics that a probe measured of one replica, and where in its training it was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The task, from 0.
    pub task: u32,
    /// Parameter updates before the probe.
    pub update: u32,
    /// The share of the task that is done, 0 to 1.
    pub progress: f64,
    /// Samples B in the probed minibatch.
    pub batch: u32,
    /// The constant that the optimiser adds to the root of the second moment: Adam's epsilon. SGD has no second moment:
    /// its value is 1, so that a step size divided by `root + epsilon` is the step size itself.
    pub epsilon: f64,
    /// One entry per layer.
    pub layers: Vec<Statistics>,
    /// All layers together.
    pub network: Statistics,
}

impl Observation {
    /// Converts the probe of one replica: `stats` is the entry of replica number `replica` in what
    /// [`Trainer::probe`](crate::Trainer::probe) or [`Engine::encode_probe_stats`](crate::Engine::encode_probe_stats)
    /// returns, and `spec` is the specification that the trainer or the engine was made with.
    ///
    /// The progress follows from [`TrainingSpec::task_lengths`]. Without a task stream there is one endless task, so a
    /// host that trains on its own minibatches sets `task` and `progress` itself.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a replica that `spec` does not have.
    pub fn new(stats: &ProbeStats, spec: &TrainingSpec, replica: usize) -> Result<Self, Error> {
        spec.check_replica(replica)?;
        Ok(Self {
            task: stats.task,
            update: stats.update,
            progress: spec.task_lengths().share_of(stats.update.into()),
            batch: spec.batch,
            epsilon: spec.replicas[replica].optimiser.divisor_offset(),
            layers: stats.layers.iter().map(Statistics::from).collect(),
            network: Statistics::from(&stats.network),
        })
    }

    /// The statistics that steer `layer` under `scope`.
    pub(super) fn steering(&self, layer: usize, scope: Scope) -> &Statistics {
        match scope {
            Scope::PerLayer => &self.layers[layer],
            Scope::Global => &self.network,
        }
    }

    /// Checks everything but the statistics, which may be any number.
    ///
    /// # Errors
    /// [`Error::Length`] for another number of layers than `layers`; [`Error::Invalid`] for an empty minibatch, a
    /// progress outside 0 to 1 and an epsilon that is negative or not finite.
    pub fn check(&self, layers: usize) -> Result<(), Error> {
        Error::check_length("observed layers", layers, self.layers.len())?;
        if self.batch == 0 {
            return Err(Error::invalid("batch", "1 or more", self.batch));
        }
        if !(0.0..=1.0).contains(&self.progress) {
            return Err(Error::invalid("progress", "0 to 1", self.progress));
        }
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            let wanted = "0 or more, finite";
            return Err(Error::invalid("epsilon", wanted, self.epsilon));
        }
        Ok(())
    }
}
