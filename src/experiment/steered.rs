//! Schedulers of a run, whatever steers them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Error;
use crate::scheduler::{Controller, Decision, Observation, Scheduler};

/// A [`Scheduler`] whose controller may be of any type that a checkpoint can hold.
pub(super) trait Steered {
    /// [`Scheduler::step_sizes`]
    fn step_sizes(&self) -> &[f64];
    /// [`Scheduler::observe`]
    fn observe(&mut self, observation: &Observation) -> Result<Decision, Error>;
    /// The state as a checkpoint holds it.
    ///
    /// # Errors
    /// A state that cannot be written as JSON, or not be read back from it, such as one with a float that is not finite.
    fn save(&self) -> Result<Value, serde_json::Error>;
    /// The scheduler that `saved` holds.
    ///
    /// # Errors
    /// A message where `saved` is no state, or not one of a run of `self`.
    fn resumed(&self, saved: Value) -> Result<Box<dyn Steered>, String>;
}

impl<C> Steered for Scheduler<C>
where
    C: Controller + Serialize + DeserializeOwned + 'static,
{
    fn step_sizes(&self) -> &[f64] {
        self.step_sizes()
    }

    fn observe(&mut self, observation: &Observation) -> Result<Decision, Error> {
        self.observe(observation)
    }

    fn save(&self) -> Result<Value, serde_json::Error> {
        let saved = serde_json::to_value(self)?;
        let _: Self = serde_json::from_value(saved.clone())?;
        Ok(saved)
    }

    fn resumed(&self, saved: Value) -> Result<Box<dyn Steered>, String> {
        let kept: Self = serde_json::from_value(saved).map_err(|error| error.to_string())?;
        let checked = kept.check_continues(self);
        checked.map_err(|error| error.to_string())?;
        Ok(Box::new(kept))
    }
}
