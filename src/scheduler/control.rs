//! The built-in controllers as an experiment file names them.

use serde::{Deserialize, Serialize};

use super::profile::ControlForm;
use super::{
    AlwaysCool, BoundControl, ClipControl, Constant, Context, Controller, Estimator, Observation,
    RandomCool, Replay, Schedule,
};
use crate::error::Error;

/// One of the built-in controllers.
///
/// A file may name one, such as `"paper"`, or name one and give what differs from it, such as
/// `{ profile = "paper", scope = "global" }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", try_from = "ControlForm")]
pub enum Control {
    /// Step sizes stay at the base step size.
    #[default]
    Constant,
    /// Step sizes decay over each task.
    Schedule(Schedule),
    /// Placebo: every layer is cooled at every probe.
    AlwaysCool(AlwaysCool),
    /// Placebo: layers are cooled at random.
    RandomCool(RandomCool),
    /// Placebo: step sizes are those of another run.
    Replay(Replay),
    /// The effective step follows a bound.
    Bound(BoundControl),
    /// Update clipping at probes.
    Clip(ClipControl),
}

impl Control {
    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number outside its range, and for a trajectory that is empty or does not ascend;
    /// [`Error::Length`] for points of different lengths.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Constant => Ok(()),
            Self::Schedule(schedule) => schedule.check(),
            Self::AlwaysCool(placebo) => placebo.check(),
            Self::RandomCool(placebo) => placebo.check(),
            Self::Replay(placebo) => placebo.check(),
            Self::Bound(bound) => bound.check(),
            Self::Clip(clip) => clip.check(),
        }
    }

    fn controller(&self) -> &dyn Controller {
        match self {
            Self::Constant => &Constant,
            Self::Schedule(schedule) => schedule,
            Self::AlwaysCool(placebo) => placebo,
            Self::RandomCool(placebo) => placebo,
            Self::Replay(placebo) => placebo,
            Self::Bound(bound) => bound,
            Self::Clip(clip) => clip,
        }
    }
}

impl Controller for Control {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        match self {
            Self::Constant => Constant.step_sizes(observation, context),
            Self::Schedule(schedule) => schedule.step_sizes(observation, context),
            Self::AlwaysCool(placebo) => placebo.step_sizes(observation, context),
            Self::RandomCool(placebo) => placebo.step_sizes(observation, context),
            Self::Replay(placebo) => placebo.step_sizes(observation, context),
            Self::Bound(bound) => bound.step_sizes(observation, context),
            Self::Clip(clip) => clip.step_sizes(observation, context),
        }
    }

    fn first_step_size(&self, base: f64) -> f64 {
        self.controller().first_step_size(base)
    }

    fn estimator(&self) -> Option<Estimator> {
        self.controller().estimator()
    }

    fn exceeded(
        &self,
        layer: usize,
        observation: &Observation,
        context: &Context<'_>,
    ) -> Option<bool> {
        self.controller().exceeded(layer, observation, context)
    }

    fn sets_step_sizes(&self, context: &Context<'_>) -> bool {
        self.controller().sets_step_sizes(context)
    }

    fn check_start(&self, base: f64, layers: usize) -> Result<(), Error> {
        self.controller().check_start(base, layers)
    }

    /// Built-in controllers have no state of their own: they never change.
    fn check_continues(&self, fresh: &Self) -> Result<(), Error> {
        if self == fresh {
            return Ok(());
        }
        Err(Error::invalid("control", "the arm's own", "another"))
    }
}

#[cfg(test)]
mod tests;
