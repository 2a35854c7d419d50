//! Estimates from one probe: normalised sharpness, gradient noise and the bounds that follow.

use serde::{Deserialize, Serialize};

use super::bounds::{Bounds, lyapunov_bound, volatility};
use super::window::Window;
use super::{Observation, Statistics};
use crate::error::Error;
use crate::probe::noise_bound;

/// The estimate of the variance V of the normalised sharpness. m is the mean over the window, which includes the newest
/// value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Volatility {
    /// (x - m)^2 of the newest value x alone, as in the paper's published code.
    Newest,
    /// sum (x_i - m)^2 / (n - 1) over the window's n values.
    Window,
}

/// The factor that makes a sharpness the normalised sharpness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// eta_1 / (sqrt(mean v) + epsilon) for every layer and the network: the first layer's step size, Adam's second
    /// moment over all parameters, no bias correction. The paper's published code does so.
    FirstLayerRaw,
    /// The layer's own effective step; for the network, the network's.
    Own,
}

/// The squared gradient g2 and the gradient variance S of the bounds, from B samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// g2 with the regularisers' gradient, and S as measured, as in the paper's published code. B g2 / S is too high by
    /// about 1.
    Raw,
    /// S_u = S B / (B - 1) and g2_u = max(0, g2 - S_u / B), g2 without regularisers. A minibatch of one sample has no
    /// S_u, and so no bounds.
    Unbiased,
}

/// The way in which bounds are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Estimator {
    /// The variance V of the normalised sharpness.
    pub volatility: Volatility,
    /// The factor that normalises a sharpness.
    pub normalisation: Normalisation,
    /// The squared gradient g2 and the gradient variance S.
    pub noise: Noise,
    /// The number of probes that m and V are taken over.
    pub window: u32,
    /// The factor of V in the curvature bound.
    pub kappa: f64,
}

impl Default for Estimator {
    /// [`Estimator::paper`]
    fn default() -> Self {
        Self::paper()
    }
}

impl Estimator {
    /// The estimator of the paper's published code: 30 probes, kappa = 20.
    pub const fn paper() -> Self {
        Self {
            volatility: Volatility::Newest,
            normalisation: Normalisation::FirstLayerRaw,
            noise: Noise::Raw,
            window: 30,
            kappa: 20.0,
        }
    }

    /// Our estimator: a variance over the window, each layer's own effective step, and no bias from the minibatch's
    /// size.
    pub const fn unbiased() -> Self {
        Self {
            volatility: Volatility::Window,
            normalisation: Normalisation::Own,
            noise: Noise::Unbiased,
            ..Self::paper()
        }
    }

    /// Checks the window and kappa.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a window of fewer than two probes, which has no variance, or of more than 1,000,000, and
    /// for a kappa that is not positive and finite.
    pub fn check(&self) -> Result<(), Error> {
        if !(2..=1_000_000).contains(&self.window) {
            return Err(Error::invalid("window", "2 to 1,000,000", self.window));
        }
        if !(self.kappa > 0.0 && self.kappa.is_finite()) {
            let wanted = "more than 0, finite";
            return Err(Error::invalid("kappa", wanted, self.kappa));
        }
        Ok(())
    }

    /// The bounds of one layer or the network, after its new value was pushed to `window`; `None`, with the window
    /// unchanged, where a statistic is missing.
    pub(super) fn measure(
        &self,
        observation: &Observation,
        statistics: &Statistics,
        window: &mut Window,
    ) -> Option<Bounds> {
        let effective_step = statistics.effective_step.filter(|step| is_amount(*step))?;
        let x = self.normalised_sharpness(observation, statistics)?;
        let batch = f64::from(observation.batch);
        let (g2, s) = self.noise.gradient_and_variance(batch, statistics)?;
        window.push(x);
        let mean = window.mean();
        let variance = match self.volatility {
            Volatility::Newest => (x - mean).powi(2),
            Volatility::Window => window.variance(),
        };
        let noise = noise_bound(batch, g2, s);
        let curvature = batch / (self.kappa * variance);
        Some(Bounds {
            effective_step,
            normalised_sharpness: x,
            mean,
            variance,
            volatility: volatility(mean, variance),
            noise,
            curvature,
            combined: 1.0 / (1.0 / noise + 1.0 / curvature),
            tau: lyapunov_bound(mean, variance),
        })
    }

    /// Lambda times its normalising factor; `None` where one is missing, or where the square is too large for f64.
    fn normalised_sharpness(
        &self,
        observation: &Observation,
        statistics: &Statistics,
    ) -> Option<f64> {
        let step = match self.normalisation {
            Normalisation::FirstLayerRaw => {
                let rms = observation.network.second_moment.sqrt();
                observation.layers[0].step_size / (rms + observation.epsilon)
            }
            Normalisation::Own => statistics.effective_step?,
        };
        let x = step * statistics.sharpness?;
        (x * x).is_finite().then_some(x)
    }
}

impl Noise {
    /// g2 and S from `batch` samples; `None` where one is not a finite number of at least 0.
    fn gradient_and_variance(self, batch: f64, statistics: &Statistics) -> Option<(f64, f64)> {
        let s = statistics.grad_variance;
        let (g2, s) = match self {
            Self::Raw => (statistics.objective_grad_norm_sq, s),
            Self::Unbiased => {
                let s = s * (batch / (batch - 1.0));
                (unbiased(statistics.grad_norm_sq, s / batch), s)
            }
        };
        (is_amount(g2) && is_amount(s)).then_some((g2, s))
    }
}

/// max(0, g2 - excess), NaN where g2 is (f64::max would hide it).
fn unbiased(g2: f64, excess: f64) -> f64 {
    if g2 < excess { 0.0 } else { g2 - excess }
}

fn is_amount(value: f64) -> bool {
    value >= 0.0 && value.is_finite()
}
