//! From what a probe measured to bounds on the effective step size (arXiv 2509.19698).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Observation, Statistics};
use crate::error::Error;

/// What the variance V of the normalised sharpness is taken to be. m is the mean over the window, which includes the
/// newest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Volatility {
    /// (x - m)^2 of the newest value x alone: what the paper's published code has.
    Newest,
    /// sum (x_i - m)^2 / (n - 1) over the window's n values.
    Window,
}

/// By what a sharpness is multiplied to become the normalised sharpness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// eta_1 / (sqrt(mean v) + epsilon) for every layer and the network: the first layer's step size, Adam's second
    /// moment over all parameters, no bias correction. What the paper's published code has.
    FirstLayerRaw,
    /// The layer's own effective step; for the network, the network's.
    Own,
}

/// Which squared gradient g2 and which gradient variance S go into the bounds, from B samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// g2 with the regularisers' gradient, S as measured: what the paper's published code has. B g2 / S is too high by
    /// about 1.
    Raw,
    /// S_u = S B / (B - 1) and g2_u = max(0, g2 - S_u / B), g2 without regularisers. A minibatch of one sample has no
    /// S_u, and so no bounds.
    Unbiased,
}

/// How bounds are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Estimator {
    /// The variance V of the normalised sharpness.
    pub volatility: Volatility,
    /// What makes a sharpness a normalised one.
    pub normalisation: Normalisation,
    /// g2 and S.
    pub noise: Noise,
    /// How many probes m and V are over.
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
    /// The paper's published code: 30 probes, kappa = 20.
    pub const fn paper() -> Self {
        Self {
            volatility: Volatility::Newest,
            normalisation: Normalisation::FirstLayerRaw,
            noise: Noise::Raw,
            window: 30,
            kappa: 20.0,
        }
    }

    /// Ours: a variance over the window, each layer's own effective step, no bias from the minibatch's size.
    pub const fn unbiased() -> Self {
        Self {
            volatility: Volatility::Window,
            normalisation: Normalisation::Own,
            noise: Noise::Unbiased,
            ..Self::paper()
        }
    }

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

    /// The bounds of one layer or the network, with its new value in `window`; `None`, and the window as it was, where
    /// a statistic is missing.
    fn measure(
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

    /// Lambda times what normalises it; `None` where one is missing, or the square is too large for f64.
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

/// a_g = B g2 / S; infinite without variance, even where there is no gradient either.
fn noise_bound(batch: f64, g2: f64, s: f64) -> f64 {
    if s == 0.0 {
        return f64::INFINITY;
    }
    // Never -0, which 1 / a_g would make negative infinity.
    (batch * g2 / s).abs()
}

/// V / m; 0 without variance, infinite where a variance has mean 0.
fn volatility(mean: f64, variance: f64) -> f64 {
    if variance == 0.0 {
        return 0.0;
    }
    if mean == 0.0 {
        return f64::INFINITY;
    }
    variance / mean
}

/// tau = 2 m / (m^2 + V): E[(1 - a x)^2] < 1 for 0 < a < tau. No positive a does where m is negative, or 0 with a
/// variance: tau is 0. Any does no harm where x is always 0: tau is infinite.
fn lyapunov_bound(mean: f64, variance: f64) -> f64 {
    if mean == 0.0 && variance == 0.0 {
        return f64::INFINITY;
    }
    (2.0 * mean / (mean * mean + variance)).max(0.0)
}

/// Which of the bounds is meant.
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

/// What a probe says of how large one layer's effective step (or the network's) may be. Dimensionless, as the paper
/// compares them. No field is NaN; a bound is 0 or more, or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// alpha, as measured.
    pub effective_step: f64,
    /// x = lambda times what [`Normalisation`] says.
    pub normalised_sharpness: f64,
    /// m, the mean of x over the window.
    pub mean: f64,
    /// V, as [`Volatility`] says; 0 with one value in the window.
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

/// The bounds that one probe gives; `None` for a layer that has no sharpness or effective step, or whose statistics are
/// no numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// One entry per layer.
    pub layers: Vec<Option<Bounds>>,
    /// The network as one.
    pub network: Option<Bounds>,
}

/// Keeps the windows of normalised sharpness, one per layer and one of the network, and makes bounds of every probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    estimator: Estimator,
    layers: Vec<Window>,
    network: Window,
}

impl Monitor {
    /// Of a network of `layers` layers, with empty windows.
    ///
    /// # Errors
    /// Those of [`Estimator::check`], and [`Error::Invalid`] for no layer.
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

    /// Fails unless the windows, which were read from a file, can be what became of those of `fresh`.
    #[cfg(feature = "report")]
    pub(super) fn check_continues(&self, fresh: &Self) -> Result<(), Error> {
        if self.estimator != fresh.estimator {
            return Err(Error::invalid("estimator", "the arm's own", "another"));
        }
        Error::check_length("windows", fresh.layers.len(), self.layers.len())?;
        let length = fresh.estimator.window as usize;
        for window in self.layers.iter().chain([&self.network]) {
            if window.length != length || window.values.len() > length {
                let found = format!("{} of {}", window.values.len(), window.length);
                let wanted = format!("{length} at most of {length}");
                return Err(Error::invalid("values of a window", wanted, found));
            }
            if let Some(value) = window.values.iter().find(|x| !(**x * **x).is_finite()) {
                return Err(Error::invalid(
                    "value of a window",
                    "a finite square",
                    value,
                ));
            }
        }
        Ok(())
    }

    /// Takes a probe into the windows. A layer without bounds leaves its window alone.
    ///
    /// # Errors
    /// Those of [`Observation::check`]; the windows are then as they were.
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

/// The newest values, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Window {
    length: usize,
    values: VecDeque<f64>,
}

impl Window {
    fn new(length: u32) -> Self {
        Self {
            length: length as usize,
            values: VecDeque::new(),
        }
    }

    fn push(&mut self, value: f64) {
        if self.values.len() == self.length {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    fn mean(&self) -> f64 {
        self.values.iter().sum::<f64>() / self.values.len() as f64
    }

    /// Unbiased; 0 with one value.
    fn variance(&self) -> f64 {
        if self.values.len() < 2 {
            return 0.0;
        }
        let mean = self.mean();
        let squares = self.values.iter().map(|value| (value - mean).powi(2));
        squares.sum::<f64>() / (self.values.len() - 1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::tests::{assert_close, observation, statistics};

    const OWN: Estimator = Estimator {
        normalisation: Normalisation::Own,
        ..Estimator::paper()
    };

    /// The bounds of a single layer after the last of these sharpnesses, B = 256, S = 1024, g2 = 1, alpha = 0.5.
    fn after(estimator: Estimator, sharpnesses: &[f64]) -> Bounds {
        let mut monitor = Monitor::new(estimator, 1).unwrap();
        let mut last = None;
        for sharpness in sharpnesses {
            let layer = Statistics {
                sharpness: Some(*sharpness),
                ..statistics()
            };
            last = monitor.observe(&observation(&[layer])).unwrap().layers[0];
        }
        last.unwrap()
    }

    #[test]
    fn papers_bounds_by_hand() {
        // eta_1 / (sqrt(v) + eps) = 0.001 / (0.0015 + 0.0005) = 0.5: x = 20, then 5.
        let first = after(Estimator::paper(), &[40.0]);
        assert_close("x", first.normalised_sharpness, 20.0);
        assert_close("m", first.mean, 20.0);
        assert_eq!(first.variance, 0.0);
        assert_eq!(first.volatility, 0.0);
        assert_eq!(first.curvature, f64::INFINITY);
        // a_g = 256 * 1 / 1024, and nothing else bounds; tau = 2 * 20 / 20^2.
        assert_close("a_g", first.noise, 0.25);
        assert_close("a_star", first.combined, 0.25);
        assert_close("tau", first.tau, 0.1);

        let second = after(Estimator::paper(), &[40.0, 10.0]);
        assert_close("x", second.normalised_sharpness, 5.0);
        // m = (20 + 5) / 2; V = (5 - 12.5)^2 = 56.25; V / m = 4.5.
        assert_close("m", second.mean, 12.5);
        assert_close("V", second.variance, 56.25);
        assert_close("V / m", second.volatility, 4.5);
        // a_vol = 256 / (20 * 56.25); a_star = 256 * 1 / (1024 + 20 * 1 * 56.25) = 256 / 2149.
        assert_close("a_vol", second.curvature, 256.0 / 1125.0);
        assert_close("a_star", second.combined, 256.0 / 2149.0);
        // tau = 2 * 12.5 / (156.25 + 56.25) = 25 / 212.5.
        assert_close("tau", second.tau, 25.0 / 212.5);
        assert!(second.exceeded(Signal::Combined));
        assert_eq!(second.effective_step, 0.5);
    }

    #[test]
    fn window_variance_by_hand() {
        let estimator = Estimator {
            volatility: Volatility::Window,
            ..Estimator::paper()
        };
        // x = 20, 5, 5: m = 10, V = (100 + 25 + 25) / 2 = 75; the newest alone has (5 - 10)^2 = 25.
        let bounds = after(estimator, &[40.0, 10.0, 10.0]);
        assert_close("V", bounds.variance, 75.0);
        assert_close("a_vol", bounds.curvature, 256.0 / 1500.0);
        assert_close("tau", bounds.tau, 20.0 / 175.0);
        assert_close("newest", after(OWN, &[40.0, 10.0, 10.0]).variance, 25.0);
        assert_eq!(after(estimator, &[40.0]).variance, 0.0);
    }

    #[test]
    fn the_window_forgets_what_is_older() {
        let estimator = Estimator {
            window: 2,
            ..Estimator::paper()
        };
        // x = 500, 20, 5: of the last two, m = 12.5.
        let bounds = after(estimator, &[1000.0, 40.0, 10.0]);
        assert_close("m", bounds.mean, 12.5);
        assert_close("V", bounds.variance, 56.25);
        // One more would be (500 + 20 + 5) / 3.
        let longer = after(Estimator { window: 3, ..OWN }, &[1000.0, 40.0, 10.0]);
        assert_close("m", longer.mean, 175.0);
    }

    #[test]
    fn paper_normalises_every_layer_by_the_first_step_size() {
        let layers = [0.001, 0.002, 0.004].map(|step_size| Statistics {
            step_size,
            effective_step: Some(step_size),
            second_moment: f64::NAN,
            ..statistics()
        });
        let xs = |estimator| {
            let mut monitor = Monitor::new(estimator, 3).unwrap();
            let measured = monitor.observe(&observation(&layers)).unwrap();
            let all = measured.layers.into_iter().chain([measured.network]);
            all.map(|bounds| bounds.unwrap().normalised_sharpness)
                .collect::<Vec<_>>()
        };
        // 0.5 * 40 for all of them, the network too; by their own alpha: 0.001 * 40 and so on, the network's 0.5 * 40.
        for x in xs(Estimator::paper()) {
            assert_close("x", x, 20.0);
        }
        for (x, expected) in xs(OWN).into_iter().zip([0.04, 0.08, 0.16, 20.0]) {
            assert_close("own x", x, expected);
        }
    }

    #[test]
    fn noise_by_hand() {
        let noisy = |batch, g2, s, objective| Statistics {
            grad_norm_sq: g2,
            objective_grad_norm_sq: objective,
            grad_variance: s,
            sharpness: Some(f64::from(batch)),
            ..statistics()
        };
        let a_g = |noise, batch, layer| {
            let mut monitor = Monitor::new(Estimator { noise, ..OWN }, 1).unwrap();
            let mut observation = observation(&[layer]);
            observation.batch = batch;
            let measured = monitor.observe(&observation).unwrap();
            measured.layers[0].map(|bounds| bounds.noise)
        };
        for (batch, g2, s, objective, raw, unbiased) in [
            // Raw: 5 * 4 / 8. Unbiased: S_u = 8 * 5/4 = 10, g2_u = 3 - 10/5 = 1; 5 * 1 / 10.
            (5, 3.0, 8.0, 4.0, 2.5, Some(0.5)),
            // g2_u = max(0, 1 - 2): all of the gradient may be noise.
            (5, 1.0, 8.0, 1.0, 0.625, Some(0.0)),
            // No variance: infinite, even without a gradient.
            (5, 3.0, 0.0, 3.0, f64::INFINITY, Some(f64::INFINITY)),
            (5, 0.0, 0.0, 0.0, f64::INFINITY, Some(f64::INFINITY)),
            // No gradient.
            (5, 0.0, 8.0, 0.0, 0.0, Some(0.0)),
            // One sample has no unbiased variance.
            (1, 3.0, 0.0, 3.0, f64::INFINITY, None),
        ] {
            let layer = noisy(batch, g2, s, objective);
            assert_eq!(a_g(Noise::Raw, batch, layer), Some(raw));
            assert_eq!(a_g(Noise::Unbiased, batch, layer), unbiased);
        }
    }

    #[test]
    fn limits_of_the_bounds() {
        let infinite = f64::INFINITY;
        for (mean, variance, expected) in [
            (2.0, 0.0, 1.0),
            (0.0, 0.0, infinite),
            (0.0, 3.0, 0.0),
            (-2.0, 0.0, 0.0),
            (-2.0, 3.0, 0.0),
            (1e-200, 0.0, infinite),
            (1.0, infinite, 0.0),
        ] {
            let tau = lyapunov_bound(mean, variance);
            assert_eq!(tau, expected, "tau of m = {mean}, V = {variance}");
        }
        for (mean, variance, expected) in [
            (2.0, 3.0, 1.5),
            (-2.0, 3.0, -1.5),
            (0.0, 3.0, infinite),
            (-0.0, 3.0, infinite),
            (0.0, 0.0, 0.0),
            (-2.0, 0.0, 0.0),
        ] {
            let found = volatility(mean, variance);
            assert_eq!(found, expected, "V / m of m = {mean}, V = {variance}");
        }
    }

    #[test]
    fn combined_bound_at_the_limits() {
        let combined = |g2, s, sharpnesses: [f64; 2]| {
            let mut monitor = Monitor::new(OWN, 1).unwrap();
            let observed = sharpnesses.map(|sharpness| {
                let layer = Statistics {
                    objective_grad_norm_sq: g2,
                    grad_variance: s,
                    sharpness: Some(sharpness),
                    ..statistics()
                };
                monitor.observe(&observation(&[layer])).unwrap().layers[0]
            });
            observed[1].unwrap().combined
        };
        // x = 20, 5: V = 56.25, a_vol = 256 / 1125; x = 20, 20: V = 0.
        assert_close("S = 0", combined(1.0, 0.0, [40.0, 10.0]), 256.0 / 1125.0);
        assert_close("V = 0", combined(1.0, 1024.0, [40.0, 40.0]), 0.25);
        assert_eq!(combined(1.0, 0.0, [40.0, 40.0]), f64::INFINITY);
        assert_eq!(combined(0.0, 1024.0, [40.0, 10.0]), 0.0);
        assert_eq!(combined(-0.0, 1024.0, [40.0, 40.0]), 0.0);
        assert_eq!(combined(0.0, 1024.0, [40.0, 40.0]), 0.0);
        assert_eq!(combined(0.0, 0.0, [40.0, 40.0]), f64::INFINITY);
        assert_close("0 / 0", combined(0.0, 0.0, [40.0, 10.0]), 256.0 / 1125.0);
    }

    #[test]
    fn a_layer_that_misses_a_statistic_has_no_bounds_and_keeps_its_window() {
        type Damage = fn(&mut Statistics);
        let damages: [(&str, Damage); 9] = [
            ("no sharpness", |s| s.sharpness = None),
            ("sharpness", |s| s.sharpness = Some(f64::INFINITY)),
            ("too sharp", |s| s.sharpness = Some(1e200)),
            ("no alpha", |s| s.effective_step = None),
            ("alpha", |s| s.effective_step = Some(f64::NAN)),
            ("negative alpha", |s| s.effective_step = Some(-0.1)),
            ("g2", |s| s.objective_grad_norm_sq = f64::NAN),
            ("S", |s| s.grad_variance = f64::INFINITY),
            ("negative S", |s| s.grad_variance = -1.0),
        ];
        let sharp = |sharpness| Statistics {
            sharpness: Some(sharpness),
            ..statistics()
        };
        for (what, damage) in damages {
            let mut monitor = Monitor::new(Estimator::paper(), 2).unwrap();
            let mut other = monitor.clone();
            let mut damaged = sharp(99.0);
            damage(&mut damaged);
            for (layer, whole) in [(sharp(40.0), true), (damaged, false), (sharp(10.0), true)] {
                let observed = observation(&[layer, statistics()]);
                let found = monitor.observe(&observed).unwrap().layers;
                let have_bounds = [found[0].is_some(), found[1].is_some()];
                assert_eq!(have_bounds, [whole, true], "{what}");
            }
            for layer in [sharp(40.0), sharp(10.0)] {
                other.observe(&observation(&[layer, statistics()])).unwrap();
            }
            assert_eq!(monitor.layers[0], other.layers[0], "{what}");
        }
    }

    #[test]
    fn unbiased_noise_sees_a_gradient_that_is_no_number() {
        let mut monitor = Monitor::new(Estimator::unbiased(), 1).unwrap();
        let layer = Statistics {
            grad_norm_sq: f64::NAN,
            ..statistics()
        };
        assert_eq!(
            monitor.observe(&observation(&[layer])).unwrap().layers,
            [None]
        );
    }

    #[test]
    fn estimators_that_cannot_be_are_refused() {
        type Change = fn(&mut Estimator);
        let changes: [(&str, Change); 6] = [
            ("window: wanted 2 to 1,000,000, found 0", |e| e.window = 0),
            ("window: wanted 2 to 1,000,000, found 1", |e| e.window = 1),
            ("window: wanted 2 to 1,000,000, found 1000001", |e| {
                e.window = 1_000_001;
            }),
            ("kappa: wanted more than 0, finite, found 0", |e| {
                e.kappa = 0.0;
            }),
            ("kappa: wanted more than 0, finite, found NaN", |e| {
                e.kappa = f64::NAN;
            }),
            ("kappa: wanted more than 0, finite, found inf", |e| {
                e.kappa = f64::INFINITY;
            }),
        ];
        Estimator::paper().check().unwrap();
        Estimator::unbiased().check().unwrap();
        for (message, change) in changes {
            let mut estimator = Estimator::paper();
            change(&mut estimator);
            let error = Monitor::new(estimator, 1).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert!(Monitor::new(Estimator::paper(), 0).is_err());
    }
}
