//! The trait of controllers: statistics in, step sizes out.

use super::{Estimator, Measured, Observation, Signal};
use crate::error::Error;

/// Decides the step sizes of one replica from the statistics that its probes measure.
///
/// Only [`Controller::step_sizes`] is required. A [`Scheduler`](super::Scheduler) calls it after every probe, checks
/// what it returns and keeps the record. A controller that derives serde's `Serialize` and `Deserialize` makes its
/// scheduler serialisable too: read back, both go on as they would have. Every float of its state must be finite,
/// because JSON, in which checkpoints hold it, has no other.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use trainable::scheduler::{Context, Controller, Observation, Scheduler};
///
/// /// Halves all step sizes whenever the network is sharper than ever before.
/// #[derive(Serialize, Deserialize)]
/// struct HalveAtPeaks {
///     peak: f64,
/// }
///
/// impl Controller for HalveAtPeaks {
///     fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
///         let sharpness = observation.network.sharpness.unwrap_or(0.0);
///         let factor = if sharpness > self.peak { 0.5 } else { 1.0 };
///         self.peak = self.peak.max(sharpness);
///         context.step_sizes.iter().map(|eta| factor * eta).collect()
///     }
/// }
///
/// let layers = 3;
/// let scheduler = Scheduler::new(HalveAtPeaks { peak: 0.0 }, 1e-3, layers, 0)?;
/// assert_eq!(scheduler.step_sizes(), [1e-3; 3]);
/// # Ok::<(), trainable::Error>(())
/// ```
pub trait Controller {
    /// The step sizes to train on with after a probe: one per layer, each 0 or more and finite as f32.
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64>;

    /// The step size of every layer before the first probe: `base`, the arm's own, unless the controller wants another.
    fn first_step_size(&self, base: f64) -> f64 {
        base
    }

    /// The estimator of the bounds in [`Context::bounds`]. `None`, for a controller that does not follow them, leaves
    /// the choice to whoever reports them.
    fn estimator(&self) -> Option<Estimator> {
        None
    }

    /// Whether `layer` exceeds what the controller follows; `None` where the probe does not say. Tables report it. A
    /// controller that does not say reports whether the effective step is above the layer's own combined bound.
    fn exceeded(
        &self,
        layer: usize,
        observation: &Observation,
        context: &Context<'_>,
    ) -> Option<bool> {
        let _ = observation;
        let bounds = context.bounds.layers[layer]?;
        Some(bounds.exceeded(Signal::Combined))
    }

    /// Whether a changed step size is a value of its own ([`Action::Set`](super::Action::Set)) and not the one before
    /// times a factor. Tables report it.
    fn sets_step_sizes(&self, context: &Context<'_>) -> bool {
        let _ = context;
        false
    }

    /// Checks that the controller can steer a replica of `layers` layers from the step size `base` on.
    ///
    /// # Errors
    /// The controller's own; the built-in ones fail with [`Error::Invalid`] and [`Error::Length`].
    fn check_start(&self, base: f64, layers: usize) -> Result<(), Error> {
        let _ = (base, layers);
        Ok(())
    }

    /// Checks that `self`, which was read from a checkpoint, may be a later state of `fresh`, which was made anew for
    /// the same arm.
    ///
    /// # Errors
    /// The controller's own.
    fn check_continues(&self, fresh: &Self) -> Result<(), Error>
    where
        Self: Sized,
    {
        let _ = fresh;
        Ok(())
    }
}

/// The knowledge of a scheduler besides the latest probe.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The bounds on the effective step after this probe, by the controller's [`Estimator`].
    pub bounds: &'a Measured,
    /// One step size per layer, as decided last. The observation's are the same rounded to f32.
    pub step_sizes: &'a [f64],
    /// The replica's step size at the start.
    pub base_step_size: f64,
    /// Whether the probe before this one was of another task. A first probe is compared with task 0.
    pub is_new_task: bool,
    /// Probes with statistics before this one.
    pub probes: u32,
    /// The replica's seed, for controllers that draw random numbers.
    pub seed: u32,
}
