//! A placebo: layers are cooled at random.

use serde::{Deserialize, Serialize};

use super::limits::check_share;
use super::{Context, Controller, Observation};
use crate::error::Error;
use crate::rng::{Stream, draw, unit_uniform};

/// Multiplies a layer's step size by a factor with a fixed probability, drawn for each layer and probe by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RandomCool {
    /// The factor, 0 to 1.
    pub rate: f64,
    /// The probability that a layer is cooled at a probe.
    pub probability: f64,
}

impl RandomCool {
    /// Checks the rate and the probability.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a rate or a probability outside 0 to 1.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_share("rate", self.rate)?;
        check_share("probability", self.probability)
    }

    fn cools(&self, layer: usize, context: &Context<'_>) -> bool {
        let bits = draw(context.seed, Stream::Cooling, layer as u32, context.probes);
        f64::from(unit_uniform(bits)) < self.probability
    }
}

impl Controller for RandomCool {
    fn step_sizes(&mut self, _: &Observation, context: &Context<'_>) -> Vec<f64> {
        let next = |(layer, eta): (usize, &f64)| {
            if self.cools(layer, context) {
                eta * self.rate
            } else {
                *eta
            }
        };
        context.step_sizes.iter().enumerate().map(next).collect()
    }

    fn check_start(&self, _: f64, _: usize) -> Result<(), Error> {
        self.check()
    }
}
