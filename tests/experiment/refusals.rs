//! Experiments that are refused before anything is trained.

use crate::{arm, images, paper, small};
use trainable::Compute;
use trainable::experiment::{Experiment, Placebo, PlaceboKind, run};
use trainable::scheduler::{ClipControl, Control, Schedule, Shape};
use trainable::spec::{Optimiser, StreamKind};

#[test]
fn impossible_experiments_are_refused_before_anything_is_trained() {
    let refusal = |change: fn(&mut Experiment)| {
        let mut experiment = small(vec![
            arm("a", Control::Constant),
            arm("b", Control::Bound(paper())),
        ]);
        change(&mut experiment);
        let error = run(&experiment, &Compute::Cpu, &images(), |_| panic!("trained")).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        error.to_string() + &source.unwrap_or_default()
    };
    for (change, wanted) in [
        (
            (|e| e.arms.clear()) as fn(&mut Experiment),
            "experiment \"smoke\": arms: wanted 1 to 10,000, of different names, found 0",
        ),
        (
            |e| e.arms[1].name = "a".to_owned(),
            "experiment \"smoke\": arms: wanted 1 to 10,000, of different names, found \"a\" twice",
        ),
        (
            |e| e.seeds = vec![3, 3],
            "experiment \"smoke\": seeds: wanted 1 to 10,000, all different, found 3 twice",
        ),
        (
            |e| e.tasks = 0,
            "experiment \"smoke\": tasks: wanted 1 or more, found 0",
        ),
        (
            |e| e.interval = 0,
            "experiment \"smoke\": interval: wanted 1 or more, found 0",
        ),
        (
            |e| e.name = "../x".to_owned(),
            "experiment \"../x\": name: wanted a name for its directory, of 1 to 200 bytes, without slashes and control characters, found \"../x\"",
        ),
        (
            |e| (e.switch_seed, e.tasks) = (Some(1), 100_001),
            "experiment \"smoke\": tasks: wanted 1 to 100,000 with a switch_seed, found 100001",
        ),
        (
            |e| (e.switch_seed, e.epochs, e.tasks) = (Some(1), 10_000_000, 50),
            "experiment \"smoke\": training steps of a replica: wanted fewer than 2^32, found 4500000000",
        ),
        (
            |e| (e.switch_seed, e.images, e.epochs) = (Some(1), 16, 1),
            "arm \"a\": steps per task: wanted 2 or more with a switch_seed, which draws lengths around it, found 1",
        ),
        (
            |e| e.batch = 0,
            "arm \"a\": batch: wanted 1 to 16,777,216, found 0",
        ),
        (
            |e| e.images = 301,
            "arm \"a\": images per task: wanted 16 (one batch) to 300 (the data set), found 301",
        ),
        (
            |e| e.stream = StreamKind::PermutedPixels,
            "arm \"a\": labels of the images: wanted a label for each image, which permuted pixels need, found none",
        ),
        (
            |e| (e.stream, e.relabel_fraction) = (StreamKind::PermutedPixels, 0.5),
            "arm \"a\": relabel fraction: wanted 1 with permuted pixels, whose labels are the true ones, found 0.5",
        ),
        (
            |e| e.arms[1].step_size = -1.0,
            "arm \"b\": step size: wanted 0 or more, finite, found -1",
        ),
        (
            |e| e.arms[1].step_size = f64::NAN,
            "arm \"b\": step size: wanted 0 or more, finite, found NaN",
        ),
        (
            |e| {
                e.arms[0].placebo = Some(Placebo {
                    of: "c".to_owned(),
                    kind: PlaceboKind::Replay,
                });
            },
            "arm \"a\": placebo of: wanted the name of another arm, found \"c\"",
        ),
        (
            |e| {
                e.arms[1].placebo = Some(Placebo {
                    of: "a".to_owned(),
                    kind: PlaceboKind::Replay,
                });
            },
            "arm \"b\": control: wanted constant beside a placebo, which makes a control of its own, found another",
        ),
        (
            |e| {
                e.arms[0].placebo = Some(Placebo {
                    of: "b".to_owned(),
                    kind: PlaceboKind::Replay,
                });
                e.seeds = vec![1];
            },
            "arm \"a\": seeds: wanted 2 or more, because a seed replays another's step sizes, found 1",
        ),
        (
            |e| {
                e.arms[0].placebo = Some(Placebo {
                    of: "b".to_owned(),
                    kind: PlaceboKind::RandomCool,
                });
                e.arms[1].control = Control::Schedule(Schedule {
                    shape: Shape::Cosine,
                    end_share: 0.0,
                });
            },
            "arm \"a\": placebo of: wanted an arm whose control scales step sizes, because random-cool keeps the share of probes that cooled, found \"b\"",
        ),
        (
            |e| {
                e.arms[0].control = Control::Clip(ClipControl::update_clipping());
                e.arms[0].optimiser = Optimiser::Sgd { momentum: 0.9 };
            },
            "arm \"a\": optimiser: wanted adam, whose second moment the control clip compares with, found sgd",
        ),
    ] {
        assert_eq!(refusal(change), wanted);
    }
}

/// Names are used in paths, on terminals, in tables for spreadsheets, and beside names of this program.
#[test]
fn names_that_something_would_choke_on_are_refused() {
    let of_experiment = |name: &str| {
        let mut experiment = small(vec![arm("a", Control::Constant)]);
        experiment.name = name.to_owned();
        experiment.check(&images())
    };
    let of_arm = |name: &str| small(vec![arm(name, Control::Constant)]).check(&images());
    let long = "x".repeat(200);
    for name in ["a", "...", "L2: a = b", "Größe", &long] {
        of_experiment(name).unwrap();
        of_arm(name).unwrap();
    }
    let too_long = "x".repeat(201);
    let both = ["", "a\0b", "\u{1b}[2J", "a\nb", "a\u{202e}b", &too_long];
    for name in both.iter().chain(&[".", "..", "a/b", "a\\b"]) {
        let error = of_experiment(name).unwrap_err().to_string();
        assert!(
            error.contains("name: wanted a name for its directory"),
            "{error}"
        );
        assert!(
            !error.contains(char::is_control) && error.len() < 400,
            "{error}"
        );
    }
    let formulas = ["=HYPERLINK(\"x\")", "+1", "-1", "@a", "all arms"];
    for name in both.iter().chain(&formulas) {
        let error = of_arm(name).unwrap_err().to_string();
        assert!(error.contains("name of an arm: wanted "), "{error}");
        assert!(
            !error.contains(char::is_control) && error.len() < 400,
            "{error}"
        );
    }
}

#[test]
fn what_is_too_much_is_refused_by_its_number() {
    let refusal = |experiment: &Experiment| {
        let error = experiment.check(&images()).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        error.to_string() + &source.unwrap_or_default()
    };
    let arms = |count: usize| {
        let name = |number: usize| arm(&format!("{number}"), Control::Constant);
        small((0..count).map(name).collect())
    };
    arms(10_000).check(&images()).unwrap();
    let wanted = "experiment \"smoke\": arms: wanted 1 to 10,000, of different names, found 10001";
    assert_eq!(refusal(&arms(10_001)), wanted);

    let mut seeds = arms(1);
    seeds.seeds = (0..10_001).collect();
    let wanted = "experiment \"smoke\": seeds: wanted 1 to 10,000, all different, found 10001";
    assert_eq!(refusal(&seeds), wanted);

    let mut deep = arms(1);
    deep.arms[0].hidden = vec![1; 255];
    deep.check(&images()).unwrap();
    deep.arms[0].hidden = vec![1; 10_000];
    let wanted = "arm \"0\": network layers: wanted 256 at most, found 10001";
    assert_eq!(refusal(&deep), wanted);

    // The product of all three is more than 2^64.
    let mut endless = arms(1);
    (endless.images, endless.batch) = (u32::MAX, 1);
    (endless.epochs, endless.tasks) = (u32::MAX, u32::MAX);
    let wanted = "training steps of a replica: wanted fewer than 2^32, found 2^64 or more";
    assert!(refusal(&endless).contains(wanted), "{}", refusal(&endless));
    assert_eq!(endless.total_steps(), u64::MAX);
}
