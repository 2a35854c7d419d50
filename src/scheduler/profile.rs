//! Controls that have a name, and what is changed of one: how a file says in a word what it says of a [`Control`].

use serde::{Deserialize, Serialize};

use super::control::{BoundControl, ClipControl, Control, ReplayPoint, Scope};
use super::monitor::{Estimator, Noise, Normalisation, Signal, Volatility};
use super::schedule::Schedule;
use crate::form::NameOr;

/// A named [`Control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Step sizes stay what they are.
    Constant,
    /// The paper's published code: [`BoundControl::paper`].
    Paper,
    /// The factors of the paper's summary: [`BoundControl::summary`].
    Summary,
    /// Bounds without the published code's quirks: [`BoundControl::unbiased`].
    Unbiased,
    /// Update clipping, the best that we found: [`ClipControl::update_clipping`]. It was once called `corrected`.
    #[serde(alias = "corrected")]
    UpdateClipping,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Constant,
        Self::Paper,
        Self::Summary,
        Self::Unbiased,
        Self::UpdateClipping,
    ];

    /// Its numbers.
    pub const fn control(self) -> Control {
        match self {
            Self::Constant => Control::Constant,
            Self::Paper => Control::Bound(BoundControl::paper()),
            Self::Summary => Control::Bound(BoundControl::summary()),
            Self::Unbiased => Control::Bound(BoundControl::unbiased()),
            Self::UpdateClipping => Control::Clip(ClipControl::update_clipping()),
        }
    }

    /// Updates from one probe to the next that it is meant for.
    pub const fn interval(self) -> u32 {
        match self {
            Self::Summary => 100,
            _ => 40,
        }
    }
}

/// A [`Control`] as a file may have it.
pub(super) type ControlForm = NameOr<Profile, ControlTable>;

impl TryFrom<ControlForm> for Control {
    type Error = String;

    fn try_from(form: ControlForm) -> Result<Self, String> {
        match form {
            NameOr::Name(profile) => Ok(profile.control()),
            NameOr::Table(table) => table.control(),
        }
    }
}

/// One control with all of its numbers, or a profile and what differs from it.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ControlTable {
    /// All numbers of a control that follows a bound.
    bound: Option<BoundControl>,
    /// Update clipping.
    clip: Option<ClipControl>,
    /// A decay over each task.
    schedule: Option<Schedule>,
    /// Placebo: every layer is cooled at every probe.
    #[serde(rename = "always-cool")]
    always_cool: Option<AlwaysCool>,
    /// Placebo: layers are cooled at random.
    #[serde(rename = "random-cool")]
    random_cool: Option<RandomCool>,
    /// Placebo: another run's step sizes.
    replay: Option<Replay>,

    /// A named control. The fields beside it take the place of its own.
    profile: Option<Profile>,
    /// The bound that steers.
    signal: Option<Signal>,
    /// Each layer by itself, or all by the network.
    scope: Option<Scope>,
    /// An effective step up to here is never cooled; 0 for no gate.
    gate: Option<f64>,
    /// The share of the bound that is allowed.
    safety: Option<f64>,
    /// The factor of a step size that is too large, 0 to 1.
    cool: Option<f64>,
    /// The factor of a step size that is far below, 1 or more.
    warm: Option<f64>,
    /// The first share of each task, in which warming is allowed.
    warm_share: Option<f64>,
    /// The share of what is allowed below which the effective step is warmed, 0 to 1.
    warm_margin: Option<f64>,
    /// The smallest step size.
    floor: Option<f64>,
    /// The largest step size.
    ceiling: Option<f64>,
    /// Whether each task begins with the base step size.
    restart: Option<bool>,
    /// How bounds are estimated, where it differs from the profile.
    estimator: Option<EstimatorChanges>,
    /// Of update clipping: the largest r that is let through.
    threshold: Option<f64>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct AlwaysCool {
    /// The factor, 0 to 1.
    rate: f64,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct RandomCool {
    /// The factor, 0 to 1.
    rate: f64,
    /// How likely a layer is cooled at a probe.
    probability: f64,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Replay {
    /// The trajectory, in ascending order of updates.
    points: Vec<ReplayPoint>,
}

/// What differs from a profile's [`Estimator`].
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct EstimatorChanges {
    /// The variance V of the normalised sharpness.
    volatility: Option<Volatility>,
    /// What makes a sharpness a normalised one.
    normalisation: Option<Normalisation>,
    /// The squared gradient and the gradient variance.
    noise: Option<Noise>,
    /// How many probes the mean and V are over.
    window: Option<u32>,
    /// The factor of V in the curvature bound.
    kappa: Option<f64>,
}

impl ControlTable {
    fn control(mut self) -> Result<Control, String> {
        let mut complete = self.take_complete();
        let changes = self.changes();
        match (self.profile, complete.pop()) {
            (Some(profile), None) => self.changed(profile, &changes),
            (None, Some(control)) if complete.is_empty() && changes.is_empty() => Ok(control),
            (None, None) => Err("missing field `profile`".to_owned()),
            _ => Err(
                "wanted one complete control, or a profile and what differs from it, found more"
                    .to_owned(),
            ),
        }
    }

    /// The controls that stand here with all of their numbers.
    fn take_complete(&mut self) -> Vec<Control> {
        let always_cool = self.always_cool.take();
        let random_cool = self.random_cool.take();
        let complete = [
            self.bound.take().map(Control::Bound),
            self.clip.take().map(Control::Clip),
            self.schedule.take().map(Control::Schedule),
            always_cool.map(|AlwaysCool { rate }| Control::AlwaysCool { rate }),
            random_cool
                .map(|RandomCool { rate, probability }| Control::RandomCool { rate, probability }),
            { self.replay.take() }.map(|Replay { points }| Control::Replay { points }),
        ];
        complete.into_iter().flatten().collect()
    }

    /// The names of what is to differ from a profile.
    fn changes(&self) -> Vec<&'static str> {
        let fields = [
            ("signal", self.signal.is_some()),
            ("scope", self.scope.is_some()),
            ("gate", self.gate.is_some()),
            ("safety", self.safety.is_some()),
            ("cool", self.cool.is_some()),
            ("warm", self.warm.is_some()),
            ("warm_share", self.warm_share.is_some()),
            ("warm_margin", self.warm_margin.is_some()),
            ("floor", self.floor.is_some()),
            ("ceiling", self.ceiling.is_some()),
            ("restart", self.restart.is_some()),
            ("estimator", self.estimator.is_some()),
            ("threshold", self.threshold.is_some()),
        ];
        let given = fields.into_iter().filter(|(_, is_given)| *is_given);
        given.map(|(field, _)| field).collect()
    }

    /// `profile` with these changes, all of which it must be able to take.
    fn changed(self, profile: Profile, changes: &[&'static str]) -> Result<Control, String> {
        let (control, foreign) = match profile.control() {
            Control::Bound(base) => {
                let foreign = changes.iter().find(|field| **field == "threshold");
                (Control::Bound(self.changed_bound(base)), foreign)
            }
            Control::Clip(base) => {
                let own = ["scope", "threshold"];
                let foreign = changes.iter().find(|field| !own.contains(field));
                (Control::Clip(self.changed_clip(base)), foreign)
            }
            other => (other, changes.first()),
        };
        match foreign {
            None => Ok(control),
            Some(field) => Err(format!("the profile has no field `{field}`")),
        }
    }

    fn changed_bound(self, base: BoundControl) -> BoundControl {
        let estimator = self.estimator;
        BoundControl {
            signal: self.signal.unwrap_or(base.signal),
            scope: self.scope.unwrap_or(base.scope),
            gate: self.gate.or(base.gate),
            safety: self.safety.unwrap_or(base.safety),
            cool: self.cool.unwrap_or(base.cool),
            warm: self.warm.unwrap_or(base.warm),
            warm_share: self.warm_share.unwrap_or(base.warm_share),
            warm_margin: self.warm_margin.unwrap_or(base.warm_margin),
            floor: self.floor.or(base.floor),
            ceiling: self.ceiling.or(base.ceiling),
            restart: self.restart.unwrap_or(base.restart),
            estimator: estimator.map_or(base.estimator, |changes| changes.of(base.estimator)),
        }
    }

    fn changed_clip(self, base: ClipControl) -> ClipControl {
        ClipControl {
            threshold: self.threshold.unwrap_or(base.threshold),
            scope: self.scope.unwrap_or(base.scope),
        }
    }
}

impl EstimatorChanges {
    fn of(self, base: Estimator) -> Estimator {
        Estimator {
            volatility: self.volatility.unwrap_or(base.volatility),
            normalisation: self.normalisation.unwrap_or(base.normalisation),
            noise: self.noise.unwrap_or(base.noise),
            window: self.window.unwrap_or(base.window),
            kappa: self.kappa.unwrap_or(base.kappa),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct File {
        control: Control,
    }

    fn read(control: &str) -> Result<Control, String> {
        let file = toml::from_str::<File>(&format!("control = {control}"));
        file.map(|file| file.control)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_profile_is_read_by_its_name() {
        for (name, profile) in [
            ("constant", Profile::Constant),
            ("paper", Profile::Paper),
            ("summary", Profile::Summary),
            ("unbiased", Profile::Unbiased),
            ("update-clipping", Profile::UpdateClipping),
            ("corrected", Profile::UpdateClipping),
        ] {
            let control = Ok(profile.control());
            assert_eq!(read(&format!("'{name}'")), control, "{name}");
            assert_eq!(read(&format!("{{ profile = '{name}' }}")), control);
        }
        let distinct = |a: usize| Profile::ALL[..a].iter().all(|b| *b != Profile::ALL[a]);
        assert!((0..Profile::ALL.len()).all(distinct));
    }

    #[test]
    fn what_differs_from_a_profile_takes_the_place_of_its_own() {
        let paper = BoundControl {
            scope: Scope::Global,
            gate: Some(0.0),
            estimator: Estimator {
                kappa: 5.0,
                ..Estimator::paper()
            },
            ..BoundControl::paper()
        };
        let text = "{ scope = 'global', profile = 'paper', gate = 0, estimator = { kappa = 5 } }";
        assert_eq!(read(text), Ok(Control::Bound(paper)));
        let all = BoundControl {
            signal: Signal::Tau,
            scope: Scope::Global,
            gate: Some(0.5),
            safety: 0.25,
            cool: 0.75,
            warm: 2.0,
            warm_share: 0.125,
            warm_margin: 0.0625,
            floor: Some(1e-5),
            ceiling: Some(0.5),
            restart: true,
            estimator: Estimator {
                volatility: Volatility::Newest,
                normalisation: Normalisation::FirstLayerRaw,
                noise: Noise::Raw,
                window: 7,
                kappa: 3.0,
            },
        };
        let text = "{ profile = 'unbiased', signal = 'tau', scope = 'global', gate = 0.5, \
            safety = 0.25, cool = 0.75, warm = 2, warm_share = 0.125, warm_margin = 0.0625, \
            floor = 1e-5, ceiling = 0.5, restart = true, estimator = { volatility = 'newest', \
            normalisation = 'first-layer-raw', noise = 'raw', window = 7, kappa = 3 } }";
        assert_eq!(read(text), Ok(Control::Bound(all)));
        let clip = ClipControl {
            threshold: 2.0,
            scope: Scope::Global,
        };
        let text = "{ profile = 'update-clipping', threshold = 2, scope = 'global' }";
        assert_eq!(read(text), Ok(Control::Clip(clip)));
    }

    #[test]
    fn what_is_no_control_is_refused() {
        let more = "found more";
        for (text, mention) in [
            ("3", "invalid type: integer `3`, expected a name or a table"),
            (
                "'papre'",
                "unknown variant `papre`, expected one of `constant`, `paper`",
            ),
            ("{}", "missing field `profile`"),
            ("{ scope = 'global' }", "missing field `profile`"),
            ("{ profile = 'paper', clip = { threshold = 3 } }", more),
            ("{ clip = {}, always-cool = { rate = 1 } }", more),
            ("{ clip = {}, scope = 'global' }", more),
            (
                "{ profile = 'paper', threshold = 3 }",
                "no field `threshold`",
            ),
            (
                "{ profile = 'update-clipping', gate = 3 }",
                "no field `gate`",
            ),
            (
                "{ profile = 'constant', scope = 'global' }",
                "no field `scope`",
            ),
            (
                "{ profile = 'paper', estimator = { kapa = 1 } }",
                "unknown field `kapa`",
            ),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(mention), "{text}: no {mention} in {error}");
        }
    }
}
