//! The paper's controller: the effective step follows a bound (arXiv 2509.19698).

use serde::{Deserialize, Serialize};

use super::limits::{LARGEST, check_share, check_step_size};
use super::{Bounds, Context, Controller, Estimator, Observation, Scope, Signal};
use crate::error::Error;

/// Keeps the effective step alpha below a bound b. At every probe that gives bounds:
///
/// - if alpha > safety * b and alpha > gate: eta *= cool;
/// - else, early in a task, if alpha < warm_margin * safety * b: eta *= warm;
///
/// and eta is then clamped to floor and ceiling. With `restart`, eta returns to the base step size at the first probe
/// of each task, before the rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BoundControl {
    /// The bound b.
    pub signal: Signal,
    /// Whose bound steers a layer: its own or the network's.
    pub scope: Scope,
    /// The gate: an alpha up to here is never cooled.
    pub gate: Option<f64>,
    /// The share of b that is allowed.
    pub safety: f64,
    /// The factor of a step size that is too large, 0 to 1.
    pub cool: f64,
    /// The factor of a step size that is far below, 1 or more.
    pub warm: f64,
    /// The first share of each task, in which warming is allowed.
    pub warm_share: f64,
    /// The share of safety * b below which alpha is warmed, 0 to 1.
    pub warm_margin: f64,
    /// The smallest step size.
    pub floor: Option<f64>,
    /// The largest step size; without one, the largest f32.
    pub ceiling: Option<f64>,
    /// Whether each task begins with the base step size. The published code carries step sizes over.
    #[serde(default)]
    pub restart: bool,
    /// The estimator of the bounds.
    pub estimator: Estimator,
}

impl BoundControl {
    /// The paper's published code: every layer by its own combined bound, gate 0.12, safety 0.8, cooling by 0.95,
    /// warming by 1.005 in the first 10% of a task and below 0.3 of what is allowed.
    pub const fn paper() -> Self {
        Self {
            signal: Signal::Combined,
            scope: Scope::PerLayer,
            gate: Some(0.12),
            safety: 0.8,
            cool: 0.95,
            warm: 1.005,
            warm_share: 0.1,
            warm_margin: 0.3,
            floor: None,
            ceiling: None,
            restart: false,
            estimator: Estimator::paper(),
        }
    }

    /// The factors of the paper's summary, 0.99 and 1.01; otherwise as [`BoundControl::paper`]. They are meant for a probe
    /// every 100 updates, where the others are meant for one every 40.
    pub const fn summary() -> Self {
        Self {
            cool: 0.99,
            warm: 1.01,
            ..Self::paper()
        }
    }

    /// Estimates without the published code's quirks, and no gate. It is not tuned, and no better than
    /// [`BoundControl::paper`] where we compared them. The unbiased noise bound may stay below any alpha for long.
    /// Therefore step sizes stay above 1e-4, and they may warm again by the same factor all through a task, up to 1e-2.
    /// The limits are ten times below and above Adam's usual 1e-3.
    pub const fn unbiased() -> Self {
        Self {
            gate: None,
            cool: 0.98,
            warm: 1.0 / 0.98,
            warm_share: 1.0,
            floor: Some(1e-4),
            ceiling: Some(1e-2),
            estimator: Estimator::unbiased(),
            ..Self::paper()
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a number outside its range, and for a floor above the ceiling.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.estimator.check()?;
        check_share("cool", self.cool)?;
        check_share("warm_share", self.warm_share)?;
        check_share("warm_margin", self.warm_margin)?;
        if !(self.safety > 0.0 && self.safety.is_finite()) {
            let wanted = "more than 0, finite";
            return Err(Error::invalid("safety", wanted, self.safety));
        }
        if !(self.warm >= 1.0 && self.warm.is_finite()) {
            let wanted = "1 or more, finite";
            return Err(Error::invalid("warm", wanted, self.warm));
        }
        if let Some(gate) = self.gate
            && !(gate >= 0.0 && gate.is_finite())
        {
            return Err(Error::invalid("gate", "0 or more, finite", gate));
        }
        let (floor, ceiling) = self.limits();
        check_step_size("floor", floor)?;
        check_step_size("ceiling", ceiling)?;
        if floor > ceiling {
            let wanted = format!("{ceiling:e} (the ceiling) at the most");
            return Err(Error::invalid("floor", wanted, floor));
        }
        Ok(())
    }

    /// Floor and ceiling, or the device's limits where none is set.
    fn limits(&self) -> (f64, f64) {
        (self.floor.unwrap_or(0.0), self.ceiling.unwrap_or(LARGEST))
    }

    /// The step size that follows `eta`, which is within the limits, after `progress` of the task.
    fn next(&self, eta: f64, bounds: &Bounds, progress: f64) -> f64 {
        let (floor, ceiling) = self.limits();
        (eta * self.factor(bounds, progress)).clamp(floor, ceiling)
    }

    fn factor(&self, bounds: &Bounds, progress: f64) -> f64 {
        let alpha = bounds.effective_step;
        let allowed = self.safety * bounds.get(self.signal);
        if alpha > allowed && self.gate.is_none_or(|gate| alpha > gate) {
            self.cool
        } else if progress < self.warm_share && alpha < self.warm_margin * allowed {
            self.warm
        } else {
            1.0
        }
    }
}

impl BoundControl {
    /// The bounds that steer `layer`.
    fn steering(&self, layer: usize, context: &Context<'_>) -> Option<Bounds> {
        match self.scope {
            Scope::PerLayer => context.bounds.layers[layer],
            Scope::Global => context.bounds.network,
        }
    }

    /// Whether step sizes return to the base step size at this probe.
    fn restarts(&self, context: &Context<'_>) -> bool {
        self.restart && context.is_new_task
    }
}

impl Controller for BoundControl {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        let restarts = self.restarts(context);
        let next = |(layer, eta): (usize, &f64)| {
            let eta = if restarts {
                context.base_step_size
            } else {
                *eta
            };
            let steering = self.steering(layer, context);
            steering.map_or(eta, |bounds| self.next(eta, &bounds, observation.progress))
        };
        context.step_sizes.iter().enumerate().map(next).collect()
    }

    fn estimator(&self) -> Option<Estimator> {
        Some(self.estimator)
    }

    /// Whether alpha is above the bound that steers the layer, without its safety factor.
    fn exceeded(&self, layer: usize, _: &Observation, context: &Context<'_>) -> Option<bool> {
        let steering = self.steering(layer, context);
        steering.map(|bounds| bounds.exceeded(self.signal))
    }

    fn sets_step_sizes(&self, context: &Context<'_>) -> bool {
        self.restarts(context)
    }

    fn check_start(&self, base: f64, _: usize) -> Result<(), Error> {
        self.check()?;
        let (floor, ceiling) = self.limits();
        if (floor..=ceiling).contains(&base) {
            return Ok(());
        }
        let wanted = format!("{floor:e} to {ceiling:e} (floor and ceiling)");
        Err(Error::invalid("base step size", wanted, base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every bound is `bound`, and the effective step `alpha`.
    fn bounds(alpha: f64, bound: f64) -> Bounds {
        Bounds {
            effective_step: alpha,
            normalised_sharpness: 1.0,
            mean: 1.0,
            variance: 0.0,
            volatility: 0.0,
            noise: bound,
            curvature: bound,
            combined: bound,
            tau: bound,
        }
    }

    #[test]
    fn paper_cools_and_warms_by_hand() {
        let paper = BoundControl::paper();
        for (alpha, bound, progress, factor) in [
            // 0.8 * 0.25 = 0.2 is allowed.
            (0.21, 0.25, 0.5, 0.95),
            (0.19, 0.25, 0.5, 1.0),
            (0.21, 0.25, 0.05, 0.95),
            // At the gate it is not cooled, whatever the bound; above it is.
            (0.12, 0.0, 0.5, 1.0),
            (0.1201, 0.0, 0.5, 0.95),
            // 0.3 * 0.8 * 0.5 = 0.12: below it is warmed, in the first 10% only.
            (0.119, 0.5, 0.0, 1.005),
            (0.119, 0.5, 0.0999, 1.005),
            (0.119, 0.5, 0.1, 1.0),
            (0.121, 0.5, 0.0, 1.0),
            // Nothing bounds.
            (50.0, f64::INFINITY, 0.5, 1.0),
            (50.0, f64::INFINITY, 0.0, 1.005),
        ] {
            let found = paper.factor(&bounds(alpha, bound), progress);
            assert_eq!(found, factor, "alpha {alpha}, bound {bound}, at {progress}");
        }
    }

    #[test]
    fn each_signal_steers_by_its_own_bound() {
        for signal in [
            Signal::Noise,
            Signal::Curvature,
            Signal::Combined,
            Signal::Tau,
        ] {
            let mut all = bounds(0.5, f64::INFINITY);
            let control = BoundControl {
                signal,
                ..BoundControl::paper()
            };
            assert_eq!(control.factor(&all, 0.5), 1.0, "{signal:?}");
            match signal {
                Signal::Noise => all.noise = 0.1,
                Signal::Curvature => all.curvature = 0.1,
                Signal::Combined => all.combined = 0.1,
                Signal::Tau => all.tau = 0.1,
            }
            assert_eq!(control.factor(&all, 0.5), 0.95, "{signal:?}");
        }
    }

    #[test]
    fn step_sizes_stop_at_floor_and_ceiling() {
        let control = BoundControl {
            floor: Some(0.96),
            ceiling: Some(1.003),
            ..BoundControl::paper()
        };
        assert_eq!(control.next(1.0, &bounds(0.5, 0.1), 0.0), 0.96);
        assert_eq!(control.next(1.0, &bounds(0.0, 0.1), 0.0), 1.003);
        let paper = BoundControl::paper();
        assert_eq!(paper.next(LARGEST, &bounds(0.0, 0.1), 0.0), LARGEST);
    }
}
