//! Bounds on the effective step size (arXiv 2509.19698), and their formulas.

use serde::{Deserialize, Serialize};

/// The name of one of the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// [`Bounds::noise`].
    Noise,
    /// [`Bounds::curvature`].
    Curvature,
    /// [`Bounds::combined`].
    Combined,
    /// [`Bounds::tau`].
    Tau,
}

/// Bounds on the effective step of one layer or of the network, from one probe. All are dimensionless, as the paper
/// compares them. No field is NaN; a bound is 0 or more, or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// alpha, as measured.
    pub effective_step: f64,
    /// x = lambda times the factor of [`Normalisation`](super::Normalisation).
    pub normalised_sharpness: f64,
    /// m, the mean of x over the window.
    pub mean: f64,
    /// V, by the estimate of [`Volatility`](super::Volatility); 0 with one value in the window.
    pub variance: f64,
    /// V / m: negative where m is, 0 where V is 0, infinite where only m is.
    pub volatility: f64,
    /// a_g = B g2 / S, infinite where S is 0.
    pub noise: f64,
    /// a_vol = B / (kappa V), infinite where V is 0: always with one value in the window.
    pub curvature: f64,
    /// a_star = 1 / (1 / a_g + 1 / a_vol) = B g2 / (S + kappa g2 V): 0 where a_g is, infinite where both are.
    pub combined: f64,
    /// 2 m / (m^2 + V): 0 where m is negative, or 0 with V > 0; infinite where m and V are 0.
    pub tau: f64,
}

impl Bounds {
    /// The bound that `signal` names.
    pub fn get(&self, signal: Signal) -> f64 {
        match signal {
            Signal::Noise => self.noise,
            Signal::Curvature => self.curvature,
            Signal::Combined => self.combined,
            Signal::Tau => self.tau,
        }
    }

    /// Whether alpha is above that bound.
    pub fn exceeded(&self, signal: Signal) -> bool {
        self.effective_step > self.get(signal)
    }
}

/// V / m; 0 without variance, infinite where a variance has mean 0.
pub(super) fn volatility(mean: f64, variance: f64) -> f64 {
    if variance == 0.0 {
        return 0.0;
    }
    if mean == 0.0 {
        return f64::INFINITY;
    }
    variance / mean
}

/// tau = 2 m / (m^2 + V): E[(1 - a x)^2] < 1 for 0 < a < tau. Where m is negative, or 0 with a variance, no positive a
/// satisfies that and tau is 0. Where x is always 0, every a is harmless and tau is infinite.
pub(super) fn lyapunov_bound(mean: f64, variance: f64) -> f64 {
    if mean == 0.0 && variance == 0.0 {
        return f64::INFINITY;
    }
    (2.0 * mean / (mean * mean + variance)).max(0.0)
}
