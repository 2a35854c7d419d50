//! Bounds on the effective step from probe to probe.

use serde::{Deserialize, Serialize};

use super::window::Window;
use super::{Bounds, Estimator, Observation};
use crate::error::Error;

/// The bounds that one probe gives. A layer has `None` where its sharpness or effective step is missing, or where a
/// statistic is not a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// One entry per layer.
    pub layers: Vec<Option<Bounds>>,
    /// All layers together.
    pub network: Option<Bounds>,
}

/// Computes the bounds of every probe. It keeps a window of normalised sharpness for each layer and for the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    estimator: Estimator,
    layers: Vec<Window>,
    network: Window,
}

impl Monitor {
    /// Makes the monitor of a network of `layers` layers, with empty windows.
    ///
    /// # Errors
    /// The errors of [`Estimator::check`], and [`Error::Invalid`] for a network without layers.
    pub fn new(estimator: Estimator, layers: usize) -> Result<Self, Error> {
        estimator.check()?;
        if layers == 0 {
            return Err(Error::invalid("number of layers", "1 or more", layers));
        }
        Ok(Self {
            estimator,
            layers: vec![Window::new(estimator.window); layers],
            network: Window::new(estimator.window),
        })
    }

    /// Fails unless `self`, which was read from a file, may be a later state of `fresh`.
    #[cfg(feature = "report")]
    pub(super) fn check_continues(&self, fresh: &Self) -> Result<(), Error> {
        if self.estimator != fresh.estimator {
            return Err(Error::invalid("estimator", "the arm's own", "another"));
        }
        Error::check_length("windows", fresh.layers.len(), self.layers.len())?;
        let mut windows = self.layers.iter().chain([&self.network]);
        windows.try_for_each(|window| window.check(fresh.estimator.window))
    }

    /// The bounds after a probe, which enters the windows. The window of a layer without bounds does not change.
    ///
    /// # Errors
    /// The errors of [`Observation::check`], which leave the windows as they were.
    pub fn observe(&mut self, observation: &Observation) -> Result<Measured, Error> {
        observation.check(self.layers.len())?;
        let estimator = self.estimator;
        let layers = observation.layers.iter().zip(&mut self.layers);
        Ok(Measured {
            layers: layers
                .map(|(statistics, window)| estimator.measure(observation, statistics, window))
                .collect(),
            network: estimator.measure(observation, &observation.network, &mut self.network),
        })
    }
}

#[cfg(test)]
mod tests;
