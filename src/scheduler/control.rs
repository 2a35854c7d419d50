//! What decides the step sizes, as it stands in an experiment file.

use serde::{Deserialize, Serialize};

use super::Statistics;
use super::monitor::{Bounds, Estimator, Signal};
use super::profile::ControlForm;
use super::schedule::{Schedule, check_share};
use crate::error::Error;

/// What decides a replica's step sizes, at every probe.
///
/// A file may name one, such as `"paper"`, or name one and give what differs from it, such as
/// `{ profile = "paper", scope = "global" }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", try_from = "ControlForm")]
pub enum Control {
    /// Nothing: they stay at the base step size.
    #[default]
    Constant,
    /// The clock: a decay over each task.
    Schedule(Schedule),
    /// Placebo: every layer is cooled at every probe.
    AlwaysCool {
        /// The factor, 0 to 1.
        rate: f64,
    },
    /// Placebo: chance, for each layer and probe by itself.
    RandomCool {
        /// The factor, 0 to 1.
        rate: f64,
        /// How likely a layer is cooled at a probe.
        probability: f64,
    },
    /// Placebo: another run's step sizes. Before the first point, the base step size.
    Replay {
        /// The trajectory, in ascending order of updates. The latest point at or before the probe's update counts.
        points: Vec<ReplayPoint>,
    },
    /// The bounds.
    Bound(BoundControl),
    /// Gradients that are large for what Adam divides them by.
    Clip(ClipControl),
}

/// Step sizes from one update on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReplayPoint {
    /// Parameter updates done.
    pub update: u32,
    /// One per layer.
    pub step_sizes: Vec<f64>,
}

impl Control {
    /// # Errors
    /// [`Error::Invalid`] for a number outside its range, named with what was wanted and what was found, and for an
    /// empty trajectory or one that does not ascend; [`Error::Length`] for points of different lengths.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Constant => Ok(()),
            Self::Schedule(schedule) => schedule.check(),
            Self::AlwaysCool { rate } => check_share("rate", *rate),
            Self::RandomCool { rate, probability } => {
                check_share("rate", *rate)?;
                check_share("probability", *probability)
            }
            Self::Replay { points } => check_points(points),
            Self::Bound(bound) => bound.check(),
            Self::Clip(clip) => clip.check(),
        }
    }
}

fn check_points(points: &[ReplayPoint]) -> Result<(), Error> {
    let Some(first) = points.first() else {
        return Err(Error::invalid("replay points", "1 or more", 0));
    };
    if let Some(pair) = points.windows(2).find(|p| p[0].update >= p[1].update) {
        let wanted = format!("an update after {}", pair[0].update);
        return Err(Error::invalid("replay points", wanted, pair[1].update));
    }
    for point in points {
        let what = format!("step sizes at update {}", point.update);
        Error::check_length(&what, first.step_sizes.len(), point.step_sizes.len())?;
        for step_size in &point.step_sizes {
            check_step_size("replayed step size", *step_size)?;
        }
    }
    Ok(())
}

/// Fails unless `value` is 0 or more and finite as f32, which the device has.
pub(super) fn check_step_size(what: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=LARGEST).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(what, format!("0 to {LARGEST:e}"), value))
}

/// The largest step size that the device can hold.
pub(super) const LARGEST: f64 = f32::MAX as f64;

/// Whose bound steers whose step size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Each layer's its own.
    PerLayer,
    /// The network's all of them.
    Global,
}

/// Keeps the effective step alpha below a bound b. At a probe, where there are bounds:
///
/// - if alpha > safety * b, and alpha > gate: eta *= cool;
/// - else, early in a task, if alpha < warm_margin * safety * b: eta *= warm;
///
/// and then eta is kept between floor and ceiling. With restart, eta is the base step size again at the first probe of
/// each task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BoundControl {
    /// The bound b.
    pub signal: Signal,
    /// Each layer by itself, or all by the network.
    pub scope: Scope,
    /// An alpha up to here is never cooled.
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
    /// How bounds are estimated.
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

    /// The factors of the paper's summary, 0.99 and 1.01; otherwise as [`BoundControl::paper`].
    pub const fn summary() -> Self {
        Self {
            cool: 0.99,
            warm: 1.01,
            ..Self::paper()
        }
    }

    /// Estimates without the published code's quirks; no gate; not tuned, and no better than [`BoundControl::paper`]
    /// where we compared them. Since the unbiased noise bound may stay below any alpha for long, nothing falls below
    /// 1e-4, and what was cooled may warm again by the same factor all through a task, up to 1e-2: ten times below and
    /// above Adam's usual 1e-3.
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

    /// # Errors
    /// [`Error::Invalid`] for a number outside its range, and for a floor above the ceiling.
    pub fn check(&self) -> Result<(), Error> {
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

    /// Floor and ceiling, also where none is set.
    pub(super) fn limits(&self) -> (f64, f64) {
        (self.floor.unwrap_or(0.0), self.ceiling.unwrap_or(LARGEST))
    }

    /// What becomes of step size `eta`, which is within the limits, after `progress` of the task.
    pub(super) fn next(&self, eta: f64, bounds: &Bounds, progress: f64) -> f64 {
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

/// Update clipping (Shazeer and Stern, arXiv 1804.04235, section 6), measured at probes and held between them:
///
/// - r = rms(g) alpha / eta, g the gradient with regularisers: by how many step sizes eta a parameter would move, root
///   mean square, if the gradient stayed as it is;
/// - eta = base step size * min(1, threshold / r).
///
/// Adam divides by the root of its second moment v, so that in steady training r is about 1. After a task switch
/// gradients jump, and v is still that of the old task's end for some 1 / (1 - beta2) updates: r is 4 to 8, and the first
/// updates are as many times too large. No curvature is needed, but a probe has to fall on the first minibatch of a task:
/// some 40 updates later r is small again, and the harm is done.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ClipControl {
    /// The largest r that is let through.
    pub threshold: f64,
    /// Each layer by itself, or all by the network.
    pub scope: Scope,
}

impl Default for ClipControl {
    /// [`ClipControl::update_clipping`]
    fn default() -> Self {
        Self::update_clipping()
    }
}

impl ClipControl {
    /// Every layer by itself, threshold 3: chosen on three seeds, reported on others (REPRODUCTION.md).
    pub const fn update_clipping() -> Self {
        Self {
            threshold: 3.0,
            scope: Scope::PerLayer,
        }
    }

    /// # Errors
    /// [`Error::Invalid`] for a threshold that is not positive and finite.
    pub fn check(&self) -> Result<(), Error> {
        if self.threshold > 0.0 && self.threshold.is_finite() {
            return Ok(());
        }
        let wanted = "more than 0, finite";
        Err(Error::invalid("threshold", wanted, self.threshold))
    }

    /// The share of the base step size that is let through: all of it before the first update; `None` where
    /// statistics are not finite.
    pub(super) fn share(&self, statistics: &Statistics) -> Option<f64> {
        let Some(alpha) = statistics.effective_step else {
            return Some(1.0);
        };
        let rms = (statistics.objective_grad_norm_sq / statistics.parameters as f64).sqrt();
        let r = rms * alpha / statistics.step_size;
        if r <= self.threshold {
            return Some(1.0);
        }
        r.is_finite().then(|| self.threshold / r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::{Noise, Normalisation, Profile, Shape, Volatility};

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
    fn clips_by_hand() {
        let clip = ClipControl::update_clipping();
        let statistics = |step_size: f64, alpha: Option<f64>, grad_norm_sq: f64| Statistics {
            parameters: 100,
            step_size,
            effective_step: alpha,
            sharpness: None,
            grad_norm_sq: f64::NAN,
            objective_grad_norm_sq: grad_norm_sq,
            grad_variance: f64::NAN,
            second_moment: f64::NAN,
        };
        for (step_size, alpha, grad_norm_sq, share) in [
            // rms(g) = 0.01, alpha / eta = 1200: r = 12, of which 3 is let through.
            (1e-3, Some(1.2), 1e-2, Some(0.25)),
            // r does not depend on the step size that it was measured with.
            (1e-4, Some(0.12), 1e-2, Some(0.25)),
            (1e-3, Some(0.3), 1e-2, Some(1.0)),
            (1e-3, Some(0.1), 1e-2, Some(1.0)),
            (1e-3, Some(0.8), 0.0, Some(1.0)),
            (1e-3, None, 1e-2, Some(1.0)),
            (1e-3, Some(0.8), f64::NAN, None),
            (1e-3, Some(0.8), f64::INFINITY, None),
            (1e-3, Some(f64::NAN), 1e-2, None),
            (0.0, Some(0.0), 1e-2, None),
        ] {
            let found = clip.share(&statistics(step_size, alpha, grad_norm_sq));
            let is_close = match (found, share) {
                (Some(found), Some(share)) => (found - share).abs() < 1e-15,
                (found, share) => found == share,
            };
            assert!(
                is_close,
                "{alpha:?}, {grad_norm_sq}: {found:?}, not {share:?}"
            );
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

    #[test]
    fn profiles_are_those_of_the_table() {
        let profiles = [
            Profile::Paper,
            Profile::Summary,
            Profile::Unbiased,
            Profile::UpdateClipping,
        ];
        let controls = profiles.map(Profile::control);
        let [
            Control::Bound(paper),
            Control::Bound(summary),
            Control::Bound(unbiased),
            Control::Clip(clipping),
        ] = controls
        else {
            panic!("{controls:?}");
        };
        assert_eq!((paper.cool, paper.warm), (0.95, 1.005));
        assert_eq!((summary.cool, summary.warm), (0.99, 1.01));
        assert_eq!(
            (paper.gate, summary.gate, unbiased.gate),
            (Some(0.12), Some(0.12), None)
        );
        assert!(unbiased.floor.is_some());
        assert_eq!((clipping.threshold, clipping.scope), (3.0, Scope::PerLayer));
        clipping.check().unwrap();
        assert_eq!(paper.estimator, summary.estimator);
        let estimator = paper.estimator;
        assert_eq!(estimator.volatility, Volatility::Newest);
        assert_eq!(estimator.normalisation, Normalisation::FirstLayerRaw);
        assert_eq!(estimator.noise, Noise::Raw);
        for control in [paper, summary, unbiased] {
            control.check().unwrap();
            assert_eq!((control.safety, control.estimator.kappa), (0.8, 20.0));
            assert_eq!(control.estimator.window, 30);
        }
        assert_eq!(profiles.map(Profile::interval), [40, 100, 40, 40]);
    }

    fn point(update: u32, step_sizes: &[f64]) -> ReplayPoint {
        ReplayPoint {
            update,
            step_sizes: step_sizes.to_vec(),
        }
    }

    #[test]
    fn controls_that_cannot_be_are_refused() {
        let bound = |change: fn(&mut BoundControl)| {
            let mut control = BoundControl::unbiased();
            change(&mut control);
            Control::Bound(control)
        };
        let random = |rate, probability| Control::RandomCool { rate, probability };
        let replay = |points: &[ReplayPoint]| Control::Replay {
            points: points.to_vec(),
        };
        let clip = |threshold| {
            Control::Clip(ClipControl {
                threshold,
                scope: Scope::Global,
            })
        };
        for (control, message) in [
            (clip(0.0), "threshold: wanted more than 0, finite, found 0"),
            (
                clip(f64::NAN),
                "threshold: wanted more than 0, finite, found NaN",
            ),
            (
                Control::AlwaysCool { rate: -0.5 },
                "rate: wanted 0 to 1, found -0.5",
            ),
            (
                Control::AlwaysCool { rate: f64::NAN },
                "rate: wanted 0 to 1, found NaN",
            ),
            (
                Control::AlwaysCool { rate: 1.01 },
                "rate: wanted 0 to 1, found 1.01",
            ),
            (random(2.0, 0.5), "rate: wanted 0 to 1, found 2"),
            (random(0.5, 1.5), "probability: wanted 0 to 1, found 1.5"),
            (random(0.5, -1.0), "probability: wanted 0 to 1, found -1"),
            (
                random(0.5, f64::NAN),
                "probability: wanted 0 to 1, found NaN",
            ),
            (replay(&[]), "replay points: wanted 1 or more, found 0"),
            (
                replay(&[point(40, &[1.0]), point(40, &[1.0])]),
                "replay points: wanted an update after 40, found 40",
            ),
            (
                replay(&[point(80, &[1.0]), point(40, &[1.0])]),
                "replay points: wanted an update after 80, found 40",
            ),
            (
                replay(&[point(40, &[1.0]), point(80, &[1.0, 2.0])]),
                "step sizes at update 80: wanted 1 elements, found 2",
            ),
            (
                replay(&[point(40, &[1e39])]),
                "replayed step size: wanted 0 to 3.4028234663852886e38, found 1000000000000000000000000000000000000000",
            ),
            (bound(|b| b.cool = 1.01), "cool: wanted 0 to 1, found 1.01"),
            (
                bound(|b| b.warm = 0.99),
                "warm: wanted 1 or more, finite, found 0.99",
            ),
            (
                bound(|b| b.warm = f64::NAN),
                "warm: wanted 1 or more, finite, found NaN",
            ),
            (
                bound(|b| b.safety = 0.0),
                "safety: wanted more than 0, finite, found 0",
            ),
            (
                bound(|b| b.gate = Some(f64::NAN)),
                "gate: wanted 0 or more, finite, found NaN",
            ),
            (
                bound(|b| b.warm_share = 1.5),
                "warm_share: wanted 0 to 1, found 1.5",
            ),
            (
                bound(|b| b.warm_margin = -0.1),
                "warm_margin: wanted 0 to 1, found -0.1",
            ),
            (
                bound(|b| b.floor = Some(0.5)),
                "floor: wanted 1e-2 (the ceiling) at the most, found 0.5",
            ),
            (
                bound(|b| b.floor = Some(f64::NAN)),
                "floor: wanted 0 to 3.4028234663852886e38, found NaN",
            ),
            (
                bound(|b| b.ceiling = Some(f64::INFINITY)),
                "ceiling: wanted 0 to 3.4028234663852886e38, found inf",
            ),
            (
                bound(|b| b.estimator.window = 0),
                "window: wanted 2 to 1,000,000, found 0",
            ),
        ] {
            let error = control.check().expect_err(message);
            assert_eq!(error.to_string(), message);
        }
    }

    /// What stands in an experiment file, as TOML wants a table at the top.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        control: Control,
    }

    #[test]
    fn controls_survive_toml() {
        let controls = [
            Control::Constant,
            Control::Schedule(Schedule {
                shape: Shape::Cosine,
                end_share: 0.1,
            }),
            Control::Schedule(Schedule {
                shape: Shape::WarmupStableDecay {
                    warmup: 0.05,
                    decay: 1.0 / 3.0,
                },
                end_share: 0.0,
            }),
            Control::AlwaysCool { rate: 0.1 + 0.2 },
            Control::RandomCool {
                rate: 0.95,
                probability: 1e-3,
            },
            Control::Replay {
                points: vec![point(40, &[1e-3, 9.5e-4]), point(80, &[1e-3, 1e-300])],
            },
            Control::Bound(BoundControl::paper()),
            Control::Bound(BoundControl::summary()),
            Control::Bound(BoundControl::unbiased()),
            Control::Clip(ClipControl::update_clipping()),
        ];
        for control in controls {
            let file = File { control };
            let text = toml::to_string(&file).unwrap();
            assert_eq!(toml::from_str::<File>(&text).unwrap(), file, "{text}");
        }
    }

    const PAPER: &str = r#"
        [control.bound]
        signal = "combined"
        scope = "per-layer"
        gate = 0.12
        safety = 0.8
        cool = 0.95
        warm = 1.005
        warm_share = 0.1
        warm_margin = 0.3
        [control.bound.estimator]
        volatility = "newest"
        normalisation = "first-layer-raw"
        noise = "raw"
        window = 30
        kappa = 20
    "#;

    #[test]
    fn files_are_read_as_people_type_them() {
        for (text, control) in [
            (PAPER, Control::Bound(BoundControl::paper())),
            ("control = \"constant\"", Control::Constant),
            (
                "control.always-cool.rate = 0.5",
                Control::AlwaysCool { rate: 0.5 },
            ),
            (
                "control.schedule = { shape = \"linear\", end_share = 0 }",
                Control::Schedule(Schedule {
                    shape: Shape::Linear,
                    end_share: 0.0,
                }),
            ),
        ] {
            assert_eq!(toml::from_str::<File>(text).unwrap(), File { control });
        }
    }

    #[test]
    fn unknown_keys_and_names_are_refused() {
        let stable =
            "control.schedule.shape.warmup-stable-decay = { warmup = 0.1, decay = 0.1, wrong = 1 }";
        for (text, mention) in [
            (PAPER.replace("gate", "gates"), "unknown field `gates`"),
            (
                PAPER.replace("kappa = 20", "kappa = 20\nwrong = 1"),
                "unknown field `wrong`",
            ),
            (PAPER.replace("safety = 0.8", ""), "missing field `safety`"),
            (
                PAPER.replace("\"per-layer\"", "\"PerLayer\""),
                "unknown variant `PerLayer`",
            ),
            (
                PAPER.replace("control.bound", "control.bounds"),
                "unknown field `bounds`",
            ),
            (
                "control.always-cool = { rate = 1, wrong = 1 }".to_owned(),
                "unknown field `wrong`",
            ),
            (stable.to_owned(), "unexpected keys in table: wrong"),
        ] {
            let error = toml::from_str::<File>(&text)
                .expect_err(mention)
                .to_string();
            assert!(error.contains(mention), "no {mention} in: {error}");
        }
    }
}
