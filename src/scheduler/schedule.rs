//! Decay schedules, which start anew with every task.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::limits::check_share;
use super::{Context, Controller, Observation};
use crate::error::Error;

/// A decay over each task, from the base step size at its start to a share of it at its end. A schedule starts anew at
/// each switch, so that it knows when tasks switch: as a rival of controllers, which do not know, it is an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The curve between start and end.
    pub shape: Shape,
    /// The share of the base step size at the task's end, 0 to 1; 0.1 where a file does not say.
    #[serde(default = "tenth")]
    pub end_share: f64,
}

fn tenth() -> f64 {
    0.1
}

/// The curve of a decay: the share of the base step size after a share p of the task, where e is the share at its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Shape {
    /// e + (1 - e) (1 + cos(pi p)) / 2 (Loshchilov and Hutter, arXiv 1608.03983).
    Cosine,
    /// 1 - (1 - e) p.
    Linear,
    /// e^p, where e must not be 0.
    Exponential,
    /// A linear rise from e to 1, a constant part, and a linear fall to e (Hu et al., arXiv 2404.06395). There is no jump
    /// from one task to the next.
    WarmupStableDecay {
        /// The share of the task that the rise takes, 0 to 1.
        warmup: f64,
        /// The share of the task that the fall takes, 0 to 1 - warmup.
        decay: f64,
    },
}

impl Schedule {
    /// Checks every share.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a share outside 0 to 1, for an exponential decay to 0, and where warm-up and decay do not
    /// both fit into the task.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_share("end_share", self.end_share)?;
        match self.shape {
            Shape::Exponential if self.end_share == 0.0 => {
                let wanted = "more than 0 for an exponential decay";
                Err(Error::invalid("end_share", wanted, self.end_share))
            }
            Shape::WarmupStableDecay { warmup, decay } => {
                check_share("warmup", warmup)?;
                check_share("decay", decay)?;
                if warmup + decay > 1.0 {
                    let wanted = "1 at the most";
                    return Err(Error::invalid("warmup + decay", wanted, warmup + decay));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The share of the base step size at `progress`, the share of the task done: from `end_share` to 1.
    fn share(&self, progress: f64) -> f64 {
        let (e, p) = (self.end_share, progress);
        let between = |height: f64| e + (1.0 - e) * height;
        match self.shape {
            Shape::Cosine => between(0.5 * (1.0 + (PI * p).cos())),
            Shape::Linear => between(1.0 - p),
            Shape::Exponential => e.powf(p),
            Shape::WarmupStableDecay { warmup, .. } if p < warmup => between(p / warmup),
            Shape::WarmupStableDecay { decay, .. } if 1.0 - p < decay => between((1.0 - p) / decay),
            Shape::WarmupStableDecay { .. } => 1.0,
        }
    }
}

impl Controller for Schedule {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        let step_size = context.base_step_size * self.share(observation.progress);
        vec![step_size; context.step_sizes.len()]
    }

    fn first_step_size(&self, base: f64) -> f64 {
        base * self.share(0.0)
    }

    fn sets_step_sizes(&self, _: &Context<'_>) -> bool {
        true
    }

    fn check_start(&self, _: f64, _: usize) -> Result<(), Error> {
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STABLE: Shape = Shape::WarmupStableDecay {
        warmup: 0.2,
        decay: 0.4,
    };

    #[test]
    fn shares_by_hand() {
        for (shape, progress, expected) in [
            (Shape::Cosine, 0.0, 1.0),
            // 0.2 + 0.8 (1 + 1/2) / 2, then (1 + 0) / 2, then (1 - 1/2) / 2.
            (Shape::Cosine, 1.0 / 3.0, 0.8),
            (Shape::Cosine, 0.5, 0.6),
            (Shape::Cosine, 2.0 / 3.0, 0.4),
            (Shape::Cosine, 1.0, 0.2),
            (Shape::Linear, 0.0, 1.0),
            (Shape::Linear, 0.25, 0.8),
            (Shape::Linear, 1.0, 0.2),
            (Shape::Exponential, 0.0, 1.0),
            // sqrt(0.2).
            (Shape::Exponential, 0.5, 0.447_213_595_499_957_9),
            (Shape::Exponential, 1.0, 0.2),
            (STABLE, 0.0, 0.2),
            (STABLE, 0.1, 0.6),
            (STABLE, 0.2, 1.0),
            (STABLE, 0.5, 1.0),
            (STABLE, 0.8, 0.6),
            (STABLE, 1.0, 0.2),
        ] {
            let schedule = Schedule {
                shape,
                end_share: 0.2,
            };
            schedule.check().unwrap();
            let share = schedule.share(progress);
            assert!(
                (share - expected).abs() < 1e-15,
                "{shape:?} at {progress}: {share}, not {expected}"
            );
        }
    }

    #[test]
    fn warmup_and_decay_may_have_no_length() {
        let schedule = Schedule {
            shape: Shape::WarmupStableDecay {
                warmup: 0.0,
                decay: 0.0,
            },
            end_share: 0.0,
        };
        schedule.check().unwrap();
        for progress in [0.0, 0.5, 1.0] {
            assert_eq!(schedule.share(progress), 1.0);
        }
    }

    #[test]
    fn schedules_that_cannot_be_are_refused() {
        let stable = |warmup, decay| Shape::WarmupStableDecay { warmup, decay };
        for (shape, end_share, message) in [
            (Shape::Cosine, -0.1, "end_share: wanted 0 to 1, found -0.1"),
            (
                Shape::Linear,
                f64::NAN,
                "end_share: wanted 0 to 1, found NaN",
            ),
            (
                Shape::Exponential,
                0.0,
                "end_share: wanted more than 0 for an exponential decay, found 0",
            ),
            (stable(1.5, 0.0), 0.1, "warmup: wanted 0 to 1, found 1.5"),
            (
                stable(0.0, f64::NAN),
                0.1,
                "decay: wanted 0 to 1, found NaN",
            ),
            (
                stable(0.75, 0.5),
                0.1,
                "warmup + decay: wanted 1 at the most, found 1.25",
            ),
        ] {
            let error = Schedule { shape, end_share }.check().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
