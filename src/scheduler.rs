//! Step sizes from what probes measure: statistics in, step sizes out.
//!
//! Nothing here knows of devices or files. A [`Scheduler`] steers one replica, whoever trains it: give it an
//! [`Observation`] after every probe, and train on with the step sizes of its [`Decision`]. The same observations
//! always give the same decisions, so a run can be replayed from its record.
//!
//! The controller of a scheduler is any [`Controller`]. [`Control`] names the built-in ones; a host can bring its own.
//!
//! - `controller`: the trait of controllers ([`Controller`]) and what they know besides a probe ([`Context`]).
//! - `constant`, `schedule`, `bound`, `clip`, `always_cool`, `random_cool`, `replay`: the built-in controllers.
//! - `control`: the built-in controllers as an experiment file names them ([`Control`]).
//! - `profile`: controls that have a name ([`Profile`]).
//! - `observation`: the statistics of a probe ([`Observation`]).
//! - `decision`: the outcome of a probe ([`Decision`]).
//! - `monitor`: the bounds of every probe ([`Monitor`]), over a `window` of probes.
//! - `estimator`: the way in which bounds are estimated ([`Estimator`]).
//! - `bounds`: bounds on the effective step from curvature and gradient noise ([`Bounds`]), and their formulas.
//! - `limits`: ranges that several controllers check.
//!
//! ```
//! use trainable::scheduler::{BoundControl, Control, Observation, Scheduler, Statistics};
//!
//! let mut scheduler = Scheduler::new(Control::Bound(BoundControl::paper()), 1e-3, 1, 0)?;
//! let layer = Statistics {
//!     parameters: 1_000,
//!     step_size: 1e-3,
//!     effective_step: Some(0.4),
//!     sharpness: Some(50.0),
//!     grad_norm_sq: 1.0,
//!     objective_grad_norm_sq: 1.0,
//!     grad_variance: 1024.0,
//!     second_moment: 1e-6,
//! };
//! let decision = scheduler.observe(&Observation {
//!     task: 0,
//!     update: 40,
//!     progress: 0.04,
//!     batch: 256,
//!     epsilon: 1e-8,
//!     layers: vec![layer],
//!     network: layer,
//! })?;
//! // Noise allows 256 / 1024 = 0.25, of which the paper takes 0.8.
//! assert_eq!(decision.step_sizes(), [0.95 * 1e-3]);
//! # Ok::<(), trainable::Error>(())
//! ```

mod always_cool;
mod bound;
mod bounds;
mod clip;
mod constant;
mod control;
mod controller;
mod decision;
mod estimator;
mod limits;
mod monitor;
mod observation;
mod profile;
mod random_cool;
mod replay;
mod schedule;
mod window;

use serde::{Deserialize, Serialize};

pub use always_cool::AlwaysCool;
pub use bound::BoundControl;
pub use bounds::{Bounds, Signal};
pub use clip::ClipControl;
pub use constant::Constant;
pub use control::Control;
pub use controller::{Context, Controller};
pub use decision::{Action, Decision, LayerDecision};
pub use estimator::{Estimator, Noise, Normalisation, Volatility};
pub use monitor::{Measured, Monitor};
pub use observation::{Observation, Statistics};
pub use profile::Profile;
pub use random_cool::RandomCool;
pub use replay::{Replay, ReplayPoint};
pub use schedule::{Schedule, Shape};

use crate::error::Error;
use crate::spec::TrainingSpec;
use limits::check_step_size;

/// Whose statistics steer a layer's step size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The layer's own.
    PerLayer,
    /// The network's, for every layer.
    Global,
}

/// Steers the step sizes of one replica by a [`Controller`]. Serialised and read back by a format whose floats
/// round-trip, it goes on as it would have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler<C = Control> {
    /// The controller. Files call it by the name that it had when only built-in ones existed.
    #[serde(rename = "control")]
    controller: C,
    monitor: Monitor,
    base_step_size: f64,
    step_sizes: Vec<f64>,
    seed: u32,
    probes: u32,
    /// The task of the latest probe.
    #[serde(default)]
    task: u32,
}

impl<C: Controller> Scheduler<C> {
    /// Makes the scheduler of a replica with `layers` layers, all at `base_step_size`. `seed` is for controllers that
    /// draw random numbers.
    ///
    /// Bounds are estimated by [`Controller::estimator`]. For a controller without one they are only reported, and
    /// [`Estimator::paper`] estimates them: see [`Scheduler::with_estimator`].
    ///
    /// # Errors
    /// The errors of [`Controller::check_start`] and [`Monitor::new`]; [`Error::Invalid`] for a step size that is
    /// negative or not finite as f32.
    pub fn new(
        controller: C,
        base_step_size: f64,
        layers: usize,
        seed: u32,
    ) -> Result<Self, Error> {
        check_step_size("base step size", base_step_size)?;
        controller.check_start(base_step_size, layers)?;
        let first = controller.first_step_size(base_step_size);
        check_step_size("first step size of the controller", first)?;
        let estimator = controller.estimator().unwrap_or_default();
        Ok(Self {
            monitor: Monitor::new(estimator, layers)?,
            controller,
            base_step_size,
            step_sizes: vec![first; layers],
            seed,
            probes: 0,
            task: 0,
        })
    }

    /// Makes the scheduler of replica number `replica` of `spec`, with its step size, its seed and one layer for each block
    /// of the network.
    ///
    /// # Errors
    /// The errors of [`Self::new`]; [`Error::Invalid`] for a replica that `spec` does not have.
    pub fn for_replica(controller: C, spec: &TrainingSpec, replica: usize) -> Result<Self, Error> {
        spec.check_replica(replica)?;
        let own = &spec.replicas[replica];
        let layers = spec.network.blocks().len();
        Self::new(controller, own.step_size.into(), layers, own.seed)
    }

    /// Reports bounds by another estimator, from empty windows.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a controller that has its own estimator, and the errors of [`Estimator::check`].
    pub fn with_estimator(self, estimator: Estimator) -> Result<Self, Error> {
        if self.controller.estimator().is_some() {
            let wanted = "the controller's own";
            return Err(Error::invalid("estimator", wanted, "another"));
        }
        Ok(Self {
            monitor: Monitor::new(estimator, self.step_sizes.len())?,
            ..self
        })
    }

    /// Fails unless `self`, which was read from a file, may be a later state of `fresh`, which was made for the same
    /// arm.
    #[cfg(feature = "report")]
    pub(crate) fn check_continues(&self, fresh: &Self) -> Result<(), Error> {
        self.controller.check_continues(&fresh.controller)?;
        if self.base_step_size != fresh.base_step_size {
            let wanted = "the arm's own";
            return Err(Error::invalid("base step size", wanted, "another"));
        }
        if self.seed != fresh.seed {
            return Err(Error::invalid("seed", "the arm's own", "another"));
        }
        check_step_sizes(&self.step_sizes, fresh.step_sizes.len(), "a scheduler")?;
        self.monitor.check_continues(&fresh.monitor)
    }

    /// One step size per layer, as decided last; before the first probe, [`Controller::first_step_size`].
    pub fn step_sizes(&self) -> &[f64] {
        &self.step_sizes
    }

    /// The controller.
    pub fn controller(&self) -> &C {
        &self.controller
    }

    /// Decides on the step sizes after a probe.
    ///
    /// # Errors
    /// The errors of [`Observation::check`], which change nothing. [`Error::Length`] or [`Error::Invalid`] for step
    /// sizes of a controller that are not one per layer, or not 0 or more and finite as f32; the step sizes then stay.
    pub fn observe(&mut self, observation: &Observation) -> Result<Decision, Error> {
        let bounds = self.monitor.observe(observation)?;
        let context = Context {
            bounds: &bounds,
            step_sizes: &self.step_sizes,
            base_step_size: self.base_step_size,
            is_new_task: observation.task != self.task,
            probes: self.probes,
            seed: self.seed,
        };
        let next = self.controller.step_sizes(observation, &context);
        check_step_sizes(&next, self.step_sizes.len(), "the controller")?;
        let is_set = self.controller.sets_step_sizes(&context);
        let decide = |(layer, (before, after)): (usize, (&f64, &f64))| LayerDecision {
            step_size: *after,
            action: Action::between(*before, *after, is_set),
            bounds: bounds.layers[layer],
            exceeded: self.controller.exceeded(layer, observation, &context),
        };
        let layers = self.step_sizes.iter().zip(&next).enumerate();
        let layers = layers.map(decide).collect();
        self.step_sizes = next;
        self.probes = self.probes.wrapping_add(1);
        self.task = observation.task;
        Ok(Decision {
            layers,
            network: bounds.network,
        })
    }

    /// The decision after a probe that has no statistics, such as one of a diverged replica. Step sizes stay, and the
    /// scheduler goes on as if there had been no probe.
    pub fn skip(&self) -> Decision {
        let skipped = |step_size: &f64| LayerDecision {
            step_size: *step_size,
            action: Action::Skipped,
            bounds: None,
            exceeded: None,
        };
        Decision {
            layers: self.step_sizes.iter().map(skipped).collect(),
            network: None,
        }
    }
}

/// Fails unless `owner` has one step size for each of `layers` layers, each of which the device can hold.
fn check_step_sizes(step_sizes: &[f64], layers: usize, owner: &str) -> Result<(), Error> {
    let what = format!("step sizes of {owner}");
    Error::check_length(&what, layers, step_sizes.len())?;
    let mut step_sizes = step_sizes.iter();
    step_sizes.try_for_each(|step_size| check_step_size("step size after a probe", *step_size))
}

#[cfg(test)]
mod tests;
