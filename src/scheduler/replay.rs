//! A placebo: the step sizes of another run.

use serde::{Deserialize, Serialize};

use super::limits::check_step_size;
use super::{Context, Controller, Observation};
use crate::error::Error;

/// Sets the step sizes of a recorded trajectory. Before its first point, step sizes stay at the base step size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The trajectory, in ascending order of updates. The latest point at or before the probe's update counts.
    pub points: Vec<ReplayPoint>,
}

/// The step sizes from one update on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayPoint {
    /// Parameter updates done.
    pub update: u32,
    /// One per layer.
    pub step_sizes: Vec<f64>,
}

impl Replay {
    /// Checks the trajectory.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a trajectory that is empty or does not ascend, and for a step size that is negative or
    /// not finite as f32; [`Error::Length`] for points of different lengths.
    pub(super) fn check(&self) -> Result<(), Error> {
        let Some(first) = self.points.first() else {
            return Err(Error::invalid("replay points", "1 or more", 0));
        };
        let mut pairs = self.points.windows(2);
        if let Some(pair) = pairs.find(|pair| pair[0].update >= pair[1].update) {
            let wanted = format!("an update after {}", pair[0].update);
            return Err(Error::invalid("replay points", wanted, pair[1].update));
        }
        for point in &self.points {
            let what = format!("step sizes at update {}", point.update);
            Error::check_length(&what, first.step_sizes.len(), point.step_sizes.len())?;
            for step_size in &point.step_sizes {
                check_step_size("replayed step size", *step_size)?;
            }
        }
        Ok(())
    }
}

impl Controller for Replay {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        let later = |point: &ReplayPoint| point.update <= observation.update;
        match self.points.partition_point(later).checked_sub(1) {
            Some(latest) => self.points[latest].step_sizes.clone(),
            None => context.step_sizes.to_vec(),
        }
    }

    fn sets_step_sizes(&self, _: &Context<'_>) -> bool {
        true
    }

    fn check_start(&self, _: f64, layers: usize) -> Result<(), Error> {
        self.check()?;
        let found = self.points[0].step_sizes.len();
        Error::check_length("replayed step sizes", layers, found)
    }
}
