//! A placebo: every layer is cooled at every probe.

use serde::{Deserialize, Serialize};

use super::limits::check_share;
use super::{Context, Controller, Observation};
use crate::error::Error;

/// Multiplies every step size by the same factor at every probe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AlwaysCool {
    /// The factor, 0 to 1.
    pub rate: f64,
}

impl AlwaysCool {
    /// Checks the rate.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a rate outside 0 to 1.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_share("rate", self.rate)
    }
}

impl Controller for AlwaysCool {
    fn step_sizes(&mut self, _: &Observation, context: &Context<'_>) -> Vec<f64> {
        let step_sizes = context.step_sizes.iter();
        step_sizes.map(|eta| eta * self.rate).collect()
    }

    fn check_start(&self, _: f64, _: usize) -> Result<(), Error> {
        self.check()
    }
}
