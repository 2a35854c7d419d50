//! Controls that have a name, and the tables in which a file changes some of their numbers.

use serde::{Deserialize, Serialize};

use super::{
    AlwaysCool, BoundControl, ClipControl, Control, Estimator, Noise, Normalisation, RandomCool,
    Replay, Schedule, Scope, Signal, Volatility,
};
use crate::form::NameOr;

/// A named [`Control`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Step sizes stay at the base step size.
    Constant,
    /// The paper's published code: [`BoundControl::paper`].
    Paper,
    /// The factors of the paper's summary: [`BoundControl::summary`].
    Summary,
    /// Bounds without the published code's quirks: [`BoundControl::unbiased`].
    Unbiased,
    /// Update clipping, the best that we found: [`ClipControl::update_clipping`]. Its old name, `corrected`, is still
    /// read.
    #[serde(alias = "corrected")]
    UpdateClipping,
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 5] = [
        Self::Constant,
        Self::Paper,
        Self::Summary,
        Self::Unbiased,
        Self::UpdateClipping,
    ];

    /// The control with the profile's numbers.
    pub const fn control(self) -> Control {
        match self {
            Self::Constant => Control::Constant,
            Self::Paper => Control::Bound(BoundControl::paper()),
            Self::Summary => Control::Bound(BoundControl::summary()),
            Self::Unbiased => Control::Bound(BoundControl::unbiased()),
            Self::UpdateClipping => Control::Clip(ClipControl::update_clipping()),
        }
    }
}

/// A [`Control`] as it stands in a file.
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

/// One control with all of its numbers, or a profile and the fields that differ from it.
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ControlTable {
    /// The effective step follows a bound; all numbers are given.
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
    /// Placebo: step sizes are those of another run.
    replay: Option<Replay>,

    /// A named control. The fields beside it replace its own.
    profile: Option<Profile>,
    /// The bound that steers.
    signal: Option<Signal>,
    /// Whose statistics steer a layer: its own or the network's.
    scope: Option<Scope>,
    /// The gate: an effective step up to here is never cooled; 0 for no gate.
    gate: Option<f64>,
    /// The share of the bound that is allowed.
    safety: Option<f64>,
    /// The factor of a step size that is too large, 0 to 1.
    cool: Option<f64>,
    /// The factor of a step size that is far below, 1 or more.
    warm: Option<f64>,
    /// The first share of each task, in which warming is allowed.
    warm_share: Option<f64>,
    /// The share of the allowed effective step below which a step size is warmed, 0 to 1.
    warm_margin: Option<f64>,
    /// The smallest step size.
    floor: Option<f64>,
    /// The largest step size.
    ceiling: Option<f64>,
    /// Whether each task begins with the base step size.
    restart: Option<bool>,
    /// The fields of the estimator that differ from the profile's.
    estimator: Option<EstimatorChanges>,
    /// Update clipping's threshold: the largest r that is let through.
    threshold: Option<f64>,
}

/// The fields that differ from a profile's [`Estimator`].
#[derive(Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct EstimatorChanges {
    /// The variance V of the normalised sharpness.
    volatility: Option<Volatility>,
    /// The factor that normalises a sharpness.
    normalisation: Option<Normalisation>,
    /// The squared gradient and the gradient variance.
    noise: Option<Noise>,
    /// The number of probes that the mean and V are taken over.
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

    /// Takes out the controls that are given with all of their numbers.
    fn take_complete(&mut self) -> Vec<Control> {
        let complete = [
            self.bound.take().map(Control::Bound),
            self.clip.take().map(Control::Clip),
            self.schedule.take().map(Control::Schedule),
            self.always_cool.take().map(Control::AlwaysCool),
            self.random_cool.take().map(Control::RandomCool),
            self.replay.take().map(Control::Replay),
        ];
        complete.into_iter().flatten().collect()
    }

    /// The names of the fields that differ from the profile.
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

    /// `profile` with these changes; a message where it has no such field.
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
            estimator: estimator
                .map_or(base.estimator, |changes| changes.applied_to(base.estimator)),
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
    fn applied_to(self, base: Estimator) -> Estimator {
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
