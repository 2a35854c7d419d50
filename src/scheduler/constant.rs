//! The controller that leaves step sizes alone.

use super::{Context, Controller, Observation};

/// Leaves every step size as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Constant;

impl Controller for Constant {
    fn step_sizes(&mut self, _: &Observation, context: &Context<'_>) -> Vec<f64> {
        context.step_sizes.to_vec()
    }
}
