use super::*;
use crate::scheduler::{
    AlwaysCool, Noise, Normalisation, Profile, RandomCool, Replay, ReplayPoint, Scope, Shape,
    Volatility,
};

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
    let random = |rate, probability| Control::RandomCool(RandomCool { rate, probability });
    let replay = |points: &[ReplayPoint]| {
        Control::Replay(Replay {
            points: points.to_vec(),
        })
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
            Control::AlwaysCool(AlwaysCool { rate: -0.5 }),
            "rate: wanted 0 to 1, found -0.5",
        ),
        (
            Control::AlwaysCool(AlwaysCool { rate: f64::NAN }),
            "rate: wanted 0 to 1, found NaN",
        ),
        (
            Control::AlwaysCool(AlwaysCool { rate: 1.01 }),
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

/// A file with a control. TOML wants a table at the top.
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
        Control::AlwaysCool(AlwaysCool { rate: 0.1 + 0.2 }),
        Control::RandomCool(RandomCool {
            rate: 0.95,
            probability: 1e-3,
        }),
        Control::Replay(Replay {
            points: vec![point(40, &[1e-3, 9.5e-4]), point(80, &[1e-3, 1e-300])],
        }),
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
            Control::AlwaysCool(AlwaysCool { rate: 0.5 }),
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
