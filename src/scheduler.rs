//! Step sizes from what probes measure: statistics in, step sizes out.
//!
//! Nothing here knows of devices or files. A [`Scheduler`] steers one replica, whoever trains it: hand it an
//! [`Observation`] after every probe, and train on with the step sizes of its [`Decision`]. The same observations
//! always give the same decisions, so a run can be replayed from its record.
//!
//! - `monitor`: bounds on the effective step from curvature and gradient noise ([`Monitor`], [`Bounds`]).
//! - `control`: what the bounds, or the clock, or chance do to the step sizes ([`Control`]).
//! - `profile`: controls that have a name ([`Profile`]).
//! - `schedule`: decays over a task ([`Schedule`]).
//!
//! ```
//! use trainable::scheduler::{BoundControl, Control, Observation, Scheduler, Statistics};
//!
//! let mut scheduler = Scheduler::new(Control::Bound(BoundControl::paper()), 1e-3, 1, 0)?;
//! let layer = Statistics {
//!     parameters: 1_000,
//!     step_size: 1e-3,
//!     effective_step: Some(0.4),
//!     sharpness: Some(50.0),
//!     grad_norm_sq: 1.0,
//!     objective_grad_norm_sq: 1.0,
//!     grad_variance: 1024.0,
//!     second_moment: 1e-6,
//! };
//! let decision = scheduler.observe(&Observation {
//!     task: 0,
//!     update: 40,
//!     progress: 0.04,
//!     batch: 256,
//!     epsilon: 1e-8,
//!     layers: vec![layer],
//!     network: layer,
//! })?;
//! // Noise allows 256 / 1024 = 0.25, of which the paper takes 0.8.
//! assert_eq!(decision.step_sizes(), [0.95 * 1e-3]);
//! # Ok::<(), trainable::Error>(())
//! ```

mod control;
mod monitor;
mod profile;
mod schedule;

use serde::{Deserialize, Serialize};

pub use control::{BoundControl, ClipControl, Control, ReplayPoint, Scope};
pub use monitor::{Bounds, Estimator, Measured, Monitor, Noise, Normalisation, Signal, Volatility};
pub use profile::Profile;
pub use schedule::{Schedule, Shape};

use crate::error::Error;
use crate::rng::{Stream, draw, unit_uniform};
use control::check_step_size;

/// What a probe measured of one layer, or of the network. The fields are those of [`crate::probe::LayerStats`], where
/// not said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Trainable parameters.
    pub parameters: usize,
    /// The layer's step size eta.
    pub step_size: f64,
    /// Its effective step alpha; `None` before the first update.
    pub effective_step: Option<f64>,
    /// The dominant eigenvalue of the loss's Hessian; `None` where it is not finite.
    pub sharpness: Option<f64>,
    /// |g|^2 without regularisers.
    pub grad_norm_sq: f64,
    /// |g|^2 with regularisers.
    pub objective_grad_norm_sq: f64,
    /// Within-batch gradient variance S.
    pub grad_variance: f64,
    /// Mean of Adam's second moment over all parameters, biases included, without bias correction. Only the network's
    /// is used.
    pub second_moment: f64,
}

/// What a probe measured of one replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The task, from 0.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// The share of the task done, 0 to 1.
    pub progress: f64,
    /// Samples B in the probed minibatch.
    pub batch: u32,
    /// Number that is added to the root of the network's mean second moment before a step size is divided by it: Adam's
    /// epsilon; 1 for SGD, which has no second moment, so that the step size itself remains; 0 for Lion.
    pub epsilon: f64,
    /// One entry per layer.
    pub layers: Vec<Statistics>,
    /// All layers together.
    pub network: Statistics,
}

impl Observation {
    /// What steers `layer` under `scope`.
    fn of(&self, layer: usize, scope: Scope) -> &Statistics {
        match scope {
            Scope::PerLayer => &self.layers[layer],
            Scope::Global => &self.network,
        }
    }

    /// # Errors
    /// [`Error::Length`] for another number of layers than `layers`; [`Error::Invalid`] for an empty minibatch, a
    /// progress outside 0 to 1 and an epsilon that is negative or not finite. Statistics may be anything.
    pub fn check(&self, layers: usize) -> Result<(), Error> {
        Error::check_length("observed layers", layers, self.layers.len())?;
        if self.batch == 0 {
            return Err(Error::invalid("batch", "1 or more", self.batch));
        }
        if !(0.0..=1.0).contains(&self.progress) {
            return Err(Error::invalid("progress", "0 to 1", self.progress));
        }
        if !(self.epsilon >= 0.0 && self.epsilon.is_finite()) {
            let wanted = "0 or more, finite";
            return Err(Error::invalid("epsilon", wanted, self.epsilon));
        }
        Ok(())
    }
}

/// What became of a layer's step size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It stayed, by itself or held by a limit.
    Hold,
    /// It was lowered by a factor.
    Cool,
    /// It was raised by a factor.
    Warm,
    /// It was set by a schedule, a replay or a task's beginning, to another value than before.
    Set,
    /// It stayed, because the probe has no statistics.
    Skipped,
}

/// The decision on one layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerDecision {
    /// The step size to train on with.
    pub step_size: f64,
    /// What became of the one before.
    pub action: Action,
    /// What the probe says of the layer, if it says anything.
    pub bounds: Option<Bounds>,
    /// Whether alpha is above the bound that steers the layer (without its safety factor): the network's under a
    /// global control, the layer's own combined bound where no bound steers. Under [`Control::Clip`], whether the step
    /// size is clipped. `None` without bounds.
    pub exceeded: Option<bool>,
}

/// What is to be done after a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// One entry per layer.
    pub layers: Vec<LayerDecision>,
    /// What the probe says of the network as one.
    pub network: Option<Bounds>,
}

impl Decision {
    /// One step size per layer.
    pub fn step_sizes(&self) -> Vec<f64> {
        self.layers.iter().map(|layer| layer.step_size).collect()
    }

    /// The same as the device takes them, rounded to the nearest f32: finite, and off by at most one part in 2^24 (so
    /// perhaps below a floor or above a ceiling by as much). The scheduler goes on with its f64s: rounding errors do
    /// not add up.
    pub fn device_step_sizes(&self) -> Vec<f32> {
        let layers = self.layers.iter();
        layers.map(|layer| layer.step_size as f32).collect()
    }
}

/// Steers the step sizes of one replica. Serialised and read back (with floats that round-trip), it goes on as it
/// would have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler {
    control: Control,
    monitor: Monitor,
    base_step_size: f64,
    step_sizes: Vec<f64>,
    seed: u32,
    probes: u32,
    /// Of the latest probe.
    #[serde(default)]
    task: u32,
}

impl Scheduler {
    /// Of a replica with `layers` layers, all at `base_step_size`. `seed` decides what [`Control::RandomCool`] cools.
    ///
    /// Bounds are estimated as a [`BoundControl`] says; under other controls as [`Estimator::paper`] does, only to be
    /// reported: see [`Scheduler::with_estimator`].
    ///
    /// # Errors
    /// Those of [`Control::check`] and [`Monitor::new`]; [`Error::Invalid`] for a base step size that is negative, not
    /// finite as f32, or outside the control's limits; [`Error::Length`] for a replay of another number of layers.
    pub fn new(
        control: Control,
        base_step_size: f64,
        layers: usize,
        seed: u32,
    ) -> Result<Self, Error> {
        control.check()?;
        check_step_size("base step size", base_step_size)?;
        let mut estimator = Estimator::paper();
        match &control {
            Control::Bound(bound) => {
                estimator = bound.estimator;
                check_limits(bound, base_step_size)?;
            }
            Control::Replay { points } => {
                let found = points[0].step_sizes.len();
                Error::check_length("replayed step sizes", layers, found)?;
            }
            _ => {}
        }
        let first = match &control {
            Control::Schedule(schedule) => base_step_size * schedule.share(0.0),
            _ => base_step_size,
        };
        Ok(Self {
            monitor: Monitor::new(estimator, layers)?,
            control,
            base_step_size,
            step_sizes: vec![first; layers],
            seed,
            probes: 0,
            task: 0,
        })
    }

    /// Reports bounds by another estimator, from empty windows.
    ///
    /// # Errors
    /// [`Error::Invalid`] where a [`BoundControl`] has its own, and those of [`Estimator::check`].
    pub fn with_estimator(self, estimator: Estimator) -> Result<Self, Error> {
        if let Control::Bound(_) = self.control {
            let wanted = "the bound control's own";
            return Err(Error::invalid("estimator", wanted, "another"));
        }
        Ok(Self {
            monitor: Monitor::new(estimator, self.step_sizes.len())?,
            ..self
        })
    }

    /// Fails unless this one, which was read from a file, can be what became of `fresh`: the same but for step sizes and
    /// windows, and these such as probes leave.
    #[cfg(feature = "report")]
    pub(crate) fn check_continues(&self, fresh: &Self) -> Result<(), Error> {
        let same = [
            ("control", self.control == fresh.control),
            (
                "base step size",
                self.base_step_size == fresh.base_step_size,
            ),
            ("seed", self.seed == fresh.seed),
        ];
        if let Some((what, _)) = same.into_iter().find(|(_, is_same)| !is_same) {
            return Err(Error::invalid(what, "the arm's own", "another"));
        }
        let (wanted, found) = (fresh.step_sizes.len(), self.step_sizes.len());
        Error::check_length("step sizes of a scheduler", wanted, found)?;
        for step_size in &self.step_sizes {
            check_step_size("step size of a scheduler", *step_size)?;
        }
        self.monitor.check_continues(&fresh.monitor)
    }

    /// One step size per layer, as decided last; before the first probe those to begin with, which a schedule may
    /// want to differ from the base step size.
    pub fn step_sizes(&self) -> &[f64] {
        &self.step_sizes
    }

    /// Decides on the step sizes after a probe.
    ///
    /// # Errors
    /// Those of [`Observation::check`]; nothing has changed then.
    pub fn observe(&mut self, observation: &Observation) -> Result<Decision, Error> {
        let measured = self.monitor.observe(observation)?;
        let decide = |layer| self.decide(layer, observation, &measured);
        let layers: Vec<_> = (0..self.step_sizes.len()).map(decide).collect();
        self.step_sizes = layers.iter().map(|layer| layer.step_size).collect();
        self.probes = self.probes.wrapping_add(1);
        self.task = observation.task;
        Ok(Decision {
            layers,
            network: measured.network,
        })
    }

    /// The decision after a probe that has no statistics, as of a diverged replica: step sizes stay, and it is as if
    /// there had been no probe.
    pub fn skip(&self) -> Decision {
        let skipped = |step_size: &f64| LayerDecision {
            step_size: *step_size,
            action: Action::Skipped,
            bounds: None,
            exceeded: None,
        };
        Decision {
            layers: self.step_sizes.iter().map(skipped).collect(),
            network: None,
        }
    }

    fn decide(
        &self,
        layer: usize,
        observation: &Observation,
        measured: &Measured,
    ) -> LayerDecision {
        let (steering, signal) = match &self.control {
            Control::Bound(bound) if bound.scope == Scope::Global => {
                (measured.network, bound.signal)
            }
            Control::Bound(bound) => (measured.layers[layer], bound.signal),
            _ => (measured.layers[layer], Signal::Combined),
        };
        let step_size = self.next_step_size(layer, observation, steering.as_ref());
        LayerDecision {
            step_size,
            action: self.action(self.step_sizes[layer], step_size, observation),
            bounds: measured.layers[layer],
            exceeded: match &self.control {
                Control::Clip(clip) => {
                    let share = clip.share(observation.of(layer, clip.scope));
                    share.map(|share| share < 1.0)
                }
                _ => steering.map(|bounds| bounds.exceeded(signal)),
            },
        }
    }

    fn next_step_size(
        &self,
        layer: usize,
        observation: &Observation,
        steering: Option<&Bounds>,
    ) -> f64 {
        let eta = if self.restarts(observation) {
            self.base_step_size
        } else {
            self.step_sizes[layer]
        };
        match &self.control {
            Control::Constant => eta,
            Control::Schedule(schedule) => {
                self.base_step_size * schedule.share(observation.progress)
            }
            Control::AlwaysCool { rate } => eta * rate,
            Control::RandomCool { rate, probability } => {
                let bits = draw(self.seed, Stream::Cooling, layer as u32, self.probes);
                let cooled = f64::from(unit_uniform(bits)) < *probability;
                if cooled { eta * rate } else { eta }
            }
            Control::Replay { points } => {
                let next = points.partition_point(|point| point.update <= observation.update);
                next.checked_sub(1)
                    .map_or(eta, |latest| points[latest].step_sizes[layer])
            }
            Control::Bound(bound) => {
                steering.map_or(eta, |bounds| bound.next(eta, bounds, observation.progress))
            }
            Control::Clip(clip) => {
                let share = clip.share(observation.of(layer, clip.scope));
                share.map_or(eta, |share| self.base_step_size * share)
            }
        }
    }

    /// Whether this is the first probe of a task that begins with the base step size.
    fn restarts(&self, observation: &Observation) -> bool {
        let Control::Bound(bound) = &self.control else {
            return false;
        };
        bound.restart && observation.task != self.task
    }

    fn action(&self, before: f64, after: f64, observation: &Observation) -> Action {
        let is_set = matches!(self.control, Control::Schedule(_) | Control::Replay { .. });
        let is_set = is_set || self.restarts(observation);
        if after == before {
            Action::Hold
        } else if is_set {
            Action::Set
        } else if after < before {
            Action::Cool
        } else {
            Action::Warm
        }
    }
}

/// Fails unless `base` is between the control's floor and ceiling.
fn check_limits(bound: &BoundControl, base: f64) -> Result<(), Error> {
    let (floor, ceiling) = bound.limits();
    if (floor..=ceiling).contains(&base) {
        return Ok(());
    }
    let wanted = format!("{floor:e} to {ceiling:e} (floor and ceiling)");
    Err(Error::invalid("base step size", wanted, base))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// alpha = 0.5, B g2 / S = 256 / 1024, and with [`observation`] a normalised sharpness of 20.
    pub(super) fn statistics() -> Statistics {
        Statistics {
            parameters: 100,
            step_size: 0.001,
            effective_step: Some(0.5),
            sharpness: Some(40.0),
            grad_norm_sq: 1.0,
            objective_grad_norm_sq: 1.0,
            grad_variance: 1024.0,
            second_moment: 0.0015 * 0.0015,
        }
    }

    pub(super) fn observation(layers: &[Statistics]) -> Observation {
        Observation {
            task: 0,
            update: 40,
            progress: 0.5,
            batch: 256,
            epsilon: 0.0005,
            layers: layers.to_vec(),
            network: statistics(),
        }
    }

    pub(super) fn assert_close(what: &str, found: f64, expected: f64) {
        let error = (found - expected).abs();
        assert!(
            error <= 1e-12 * expected.abs(),
            "{what}: {found}, not {expected}"
        );
    }

    fn scheduler(control: Control) -> Scheduler {
        Scheduler::new(control, 1e-3, 2, 7).unwrap()
    }

    /// Two layers of alpha 0.1 and 0.5, of which a noise bound of 0.25 holds for both.
    fn two_layers() -> Observation {
        let gentle = Statistics {
            effective_step: Some(0.1),
            ..statistics()
        };
        observation(&[gentle, statistics()])
    }

    #[test]
    fn a_task_begins_with_the_base_step_size_where_it_is_said() {
        let after = |restart| {
            let bound = BoundControl {
                restart,
                ..BoundControl::paper()
            };
            let mut scheduler = scheduler(Control::Bound(bound));
            let mut observe = |task| {
                let decision = scheduler.observe(&Observation {
                    task,
                    ..two_layers()
                });
                let layer = decision.unwrap().layers[1];
                (layer.step_size, layer.action)
            };
            [0, 0, 1, 1].map(&mut observe)
        };
        let (once, twice) = (0.95e-3, 0.95 * 0.95e-3);
        let restarted = after(true);
        assert_eq!(
            restarted[..2],
            [(once, Action::Cool), (twice, Action::Cool)]
        );
        assert_eq!(restarted[2..], [(once, Action::Set), (twice, Action::Cool)]);
        let carried = after(false);
        assert_eq!(carried[..2], restarted[..2]);
        assert!(carried[2].0 < twice && carried[2].1 == Action::Cool);
    }

    #[test]
    fn layers_are_steered_by_themselves_or_all_by_the_network() {
        let bound = |scope| {
            Control::Bound(BoundControl {
                scope,
                ..BoundControl::paper()
            })
        };
        let decide = |scope| scheduler(bound(scope)).observe(&two_layers()).unwrap();
        let summary = |decision: &Decision| {
            let layers = decision.layers.iter();
            layers
                .map(|layer| (layer.step_size, layer.action, layer.exceeded))
                .collect::<Vec<_>>()
        };
        let cooled = (0.95e-3, Action::Cool, Some(true));
        let own = decide(Scope::PerLayer);
        assert_eq!(summary(&own), [(1e-3, Action::Hold, Some(false)), cooled]);
        let global = decide(Scope::Global);
        assert_eq!(summary(&global), [cooled, cooled]);
        // The layers' own bounds are reported all the same.
        assert_eq!(global.layers[0].bounds, own.layers[0].bounds);
        assert_eq!(global.layers[0].bounds.unwrap().effective_step, 0.1);
        assert_eq!(global.network.unwrap().effective_step, 0.5);
    }

    #[test]
    fn constant_holds_and_reports() {
        let mut constant = scheduler(Control::Constant);
        let decision = constant.observe(&two_layers()).unwrap();
        for (layer, exceeded) in decision.layers.iter().zip([false, true]) {
            assert_eq!((layer.step_size, layer.action), (1e-3, Action::Hold));
            assert_eq!(layer.exceeded, Some(exceeded));
            assert_close("a_g", layer.bounds.unwrap().noise, 0.25);
        }
    }

    #[test]
    fn other_estimators_are_for_controls_without_bounds() {
        let corrected = scheduler(Control::Constant).with_estimator(Estimator::unbiased());
        let decision = corrected.unwrap().observe(&two_layers()).unwrap();
        // S_u = 1024 * 256/255; g2_u = max(0, 1 - 1024/255).
        assert_eq!(decision.layers[0].bounds.unwrap().noise, 0.0);
        let paper = scheduler(Control::Bound(BoundControl::paper()));
        let error = paper.with_estimator(Estimator::unbiased()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "estimator: wanted the bound control's own, found another"
        );
    }

    #[test]
    fn schedules_follow_the_task_and_start_anew() {
        let mut linear = scheduler(Control::Schedule(Schedule {
            shape: Shape::Linear,
            end_share: 0.0,
        }));
        for (progress, share, action) in [
            (0.0, 1.0, Action::Hold),
            (0.25, 0.75, Action::Set),
            (0.25, 0.75, Action::Hold),
            (0.0, 1.0, Action::Set),
        ] {
            let mut observation = two_layers();
            observation.progress = progress;
            for layer in linear.observe(&observation).unwrap().layers {
                assert_eq!((layer.step_size, layer.action), (share * 1e-3, action));
            }
        }
    }

    #[test]
    fn always_cool_cools_every_layer_at_every_probe() {
        let mut placebo = scheduler(Control::AlwaysCool { rate: 0.5 });
        for share in [0.5, 0.25, 0.125] {
            for layer in placebo.observe(&two_layers()).unwrap().layers {
                assert_eq!(
                    (layer.step_size, layer.action),
                    (share * 1e-3, Action::Cool)
                );
            }
        }
    }

    #[test]
    fn random_cool_is_as_likely_as_asked_and_independent_between_layers() {
        const PROBES: u32 = 4_000;
        for seed in [1, 2, 3] {
            let control = Control::RandomCool {
                rate: 0.999,
                probability: 0.3,
            };
            let mut placebo = Scheduler::new(control, 1.0, 2, seed).unwrap();
            let [mut first, mut second, mut both] = [0.0; 3];
            for _ in 0..PROBES {
                let decision = placebo.observe(&two_layers()).unwrap();
                let cooled = |layer: usize| decision.layers[layer].action == Action::Cool;
                first += f64::from(u8::from(cooled(0)));
                second += f64::from(u8::from(cooled(1)));
                both += f64::from(u8::from(cooled(0) && cooled(1)));
            }
            // Four standard deviations of a binomial.
            for (count, p) in [(first, 0.3), (second, 0.3), (both, 0.09_f64)] {
                let n = f64::from(PROBES);
                let allowed = 4.0 * (n * p * (1.0 - p)).sqrt();
                assert!(
                    (count - n * p).abs() < allowed,
                    "seed {seed}: {count} of {n}, p = {p}"
                );
            }
        }
    }

    #[test]
    fn random_cool_at_its_ends() {
        for (probability, action) in [(0.0, Action::Hold), (1.0, Action::Cool)] {
            let mut placebo = scheduler(Control::RandomCool {
                rate: 0.5,
                probability,
            });
            for _ in 0..100 {
                for layer in placebo.observe(&two_layers()).unwrap().layers {
                    assert_eq!(layer.action, action);
                }
            }
        }
    }

    #[test]
    fn replay_takes_the_latest_point() {
        let point = |update, step_sizes: [f64; 2]| ReplayPoint {
            update,
            step_sizes: step_sizes.to_vec(),
        };
        let mut replay = scheduler(Control::Replay {
            points: vec![point(40, [1.0, 2.0]), point(80, [3.0, 2.0])],
        });
        let (set, hold) = (Action::Set, Action::Hold);
        for (update, step_sizes, actions) in [
            (39, [1e-3, 1e-3], [hold, hold]),
            (40, [1.0, 2.0], [set, set]),
            (79, [1.0, 2.0], [hold, hold]),
            (80, [3.0, 2.0], [set, hold]),
            (u32::MAX, [3.0, 2.0], [hold, hold]),
        ] {
            let mut observation = two_layers();
            observation.update = update;
            let decision = replay.observe(&observation).unwrap();
            assert_eq!(decision.step_sizes(), step_sizes, "at {update}");
            let found = [0, 1].map(|layer| decision.layers[layer].action);
            assert_eq!(found, actions, "at {update}");
        }
    }

    #[test]
    fn a_limit_that_holds_a_step_size_is_no_action() {
        let mut held = scheduler(Control::Bound(BoundControl {
            floor: Some(1e-3),
            ..BoundControl::paper()
        }));
        let layer = held.observe(&two_layers()).unwrap().layers[1];
        assert_eq!((layer.step_size, layer.action), (1e-3, Action::Hold));
        assert_eq!(layer.exceeded, Some(true));
    }

    #[test]
    fn a_layer_without_bounds_holds() {
        let mut paper = scheduler(Control::Bound(BoundControl::paper()));
        let mut observation = two_layers();
        observation.layers[1].sharpness = None;
        let layer = paper.observe(&observation).unwrap().layers[1];
        assert_eq!((layer.step_size, layer.action), (1e-3, Action::Hold));
        assert_eq!((layer.bounds, layer.exceeded), (None, None));
    }

    #[test]
    fn schedulers_that_cannot_be_are_refused() {
        let bound = Control::Bound(BoundControl::unbiased());
        let replay = Control::Replay {
            points: vec![ReplayPoint {
                update: 0,
                step_sizes: vec![1.0; 3],
            }],
        };
        for (control, base, layers, message) in [
            (
                Control::AlwaysCool { rate: 2.0 },
                1.0,
                1,
                "rate: wanted 0 to 1, found 2",
            ),
            (
                Control::Constant,
                f64::NAN,
                1,
                "base step size: wanted 0 to 3.4028234663852886e38, found NaN",
            ),
            (
                Control::Constant,
                1.0,
                0,
                "number of layers: wanted 1 or more, found 0",
            ),
            (
                bound,
                1.0,
                1,
                "base step size: wanted 1e-4 to 1e-2 (floor and ceiling), found 1",
            ),
            (
                replay,
                1.0,
                2,
                "replayed step sizes: wanted 2 elements, found 3",
            ),
        ] {
            let error = Scheduler::new(control, base, layers, 0).expect_err(message);
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn observations_that_cannot_be_are_refused_and_change_nothing() {
        type Damage = fn(&mut Observation);
        let damages: [(&str, Damage); 6] = [
            ("observed layers: wanted 2 elements, found 1", |o| {
                o.layers.truncate(1);
            }),
            ("batch: wanted 1 or more, found 0", |o| o.batch = 0),
            ("progress: wanted 0 to 1, found 1.5", |o| o.progress = 1.5),
            ("progress: wanted 0 to 1, found NaN", |o| {
                o.progress = f64::NAN;
            }),
            ("epsilon: wanted 0 or more, finite, found -1", |o| {
                o.epsilon = -1.0;
            }),
            ("epsilon: wanted 0 or more, finite, found inf", |o| {
                o.epsilon = f64::INFINITY;
            }),
        ];
        let mut paper = scheduler(Control::Bound(BoundControl::paper()));
        let before = paper.clone();
        for (message, damage) in damages {
            let mut observation = two_layers();
            damage(&mut observation);
            let error = paper.observe(&observation).expect_err(message);
            assert_eq!(error.to_string(), message);
            assert_eq!(paper, before, "{message}");
        }
    }

    #[test]
    fn device_step_sizes_are_finite_and_nearest() {
        let largest = f64::from(f32::MAX);
        let decision = Scheduler::new(Control::Constant, largest, 1, 0)
            .unwrap()
            .skip();
        assert_eq!(decision.device_step_sizes(), [f32::MAX]);
        let tenth = Scheduler::new(Control::Constant, 0.1, 1, 0).unwrap().skip();
        assert_eq!(tenth.device_step_sizes(), [0.1_f32]);
    }
}
