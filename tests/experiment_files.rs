//! Experiment files: published files keep their meaning, presets have a short form, and the editor schema accepts both.

#![cfg(feature = "report")]

#[path = "experiment_files/published.rs"]
mod published;
#[path = "experiment_files/schema.rs"]
mod schema;

use schema::{is_valid, validator};
use std::fs;
use std::path::Path;

use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Experiment, schema};
use trainable::spec::{Intervention, StreamKind};

fn presets() -> impl Iterator<Item = Experiment> {
    let sizes = [Scale::Small, Scale::Paper];
    Preset::ALL
        .into_iter()
        .flat_map(move |preset| sizes.map(|scale| preset.experiment(scale)))
}

fn is_permuted_stream(text: &str) -> bool {
    text.contains("stream = \"permuted-pixels\"")
}

#[test]
fn the_short_form_of_a_preset_is_the_preset() {
    for experiment in presets() {
        let short = experiment.to_short_toml().unwrap();
        let full = toml::to_string(&experiment).unwrap();
        assert_eq!(short.parse(), Ok(experiment.clone()), "{short}");
        assert_eq!(full.parse(), Ok(experiment), "{full}");
        assert!(2 * short.lines().count() < full.lines().count(), "{short}");
        let is_permuted = is_permuted_stream(&full);
        for default in ["beta1", "kappa", "stream", "warm_share"] {
            if default == "stream" && is_permuted {
                continue;
            }
            assert!(full.contains(default) || default == "warm_share");
            assert!(!short.contains(default), "{short}");
        }
    }
}

#[test]
fn lobpcg_is_read_by_its_earlier_name_and_written_by_its_own() {
    let experiment = |method: &str| {
        format!("name = 'x'\nprobe = {{ method = '{method}' }}\n[[arms]]\nname = 'a'\n")
            .parse::<Experiment>()
    };
    assert_eq!(experiment("locally-optimal"), experiment("lobpcg"));
    assert_ne!(experiment("power"), experiment("lobpcg"));
    assert!(experiment("locally optimal").is_err());
    let written = toml::to_string(&experiment("locally-optimal").unwrap()).unwrap();
    assert!(written.contains("method = \"lobpcg\""), "{written}");
}

/// Experiments that no preset covers: other optimisers, probes and data, controls close to a profile and far from every
/// profile.
#[test]
fn the_short_form_of_anything_is_the_same_experiment() {
    let bound = "{ bound = { signal = 'tau', scope = 'global', safety = 0.5, cool = 0.9, warm = 1.5, warm_share = 0.5, \
        warm_margin = 0.5, floor = 1e-5, estimator = { kappa = 3 } } }";
    let controls = [
        ("'constant'", None),
        ("'summary'", Some("control = \"summary\"")),
        ("'unbiased'", Some("control = \"unbiased\"")),
        ("'corrected'", Some("control = \"update-clipping\"")),
        (
            "{ profile = 'unbiased', gate = 0.5 , estimator = { window = 9 } }",
            Some("control = { profile = \"unbiased\", gate = 0.5, estimator = { window = 9 } }"),
        ),
        (
            "{ clip = { threshold = 2 } }",
            Some("control = { profile = \"update-clipping\", threshold = 2.0 }"),
        ),
        (bound, Some("control = { bound = { signal = \"tau\"")),
        (
            "{ replay = { points = [{ update = 1, step_sizes = [0.1, 0.2] }] } }",
            Some("control = { replay = { points = [{ update = 1, step_sizes = [0.1, 0.2] }] } }"),
        ),
    ];
    for (control, wanted) in controls {
        let text = format!(
            "name = 'x'\nprobe = {{ iterations = 7 }}\nestimator = {{ kappa = 3 }}\nrelabel_fraction = 0.1\n\
             stream = 'permuted-pixels'\ndata = {{ name = 'd', shape = [1, 2, 3], classes = 4 }}\n\
             [[arms]]\nname = 'a # \"b\"'\ncontrol = {control}\noptimiser = {{ adam = {{ beta2 = 0.99 }} }}\n\
             [[arms]]\nname = 'c'\noptimiser = 'sgd'\nl2 = 1e-7\n"
        );
        let experiment: Experiment = text.parse().unwrap_or_else(|error| panic!("{error}"));
        let short = experiment.to_short_toml().unwrap();
        assert_eq!(short.parse(), Ok(experiment), "{short}");
        let is_written = short.lines().any(|line| line.starts_with("control"));
        assert_eq!(wanted.is_some(), is_written, "{short}");
        assert!(
            wanted.is_none_or(|wanted| short.contains(wanted)),
            "no {wanted:?} in {short}"
        );
        assert!(
            short.contains("optimiser = { adam = { beta2 = 0.99 } }"),
            "{short}"
        );
        assert!(short.contains("probe = { iterations = 7 }"), "{short}");
    }
}

/// A perceptron is written as it was before there were other networks; other networks are read back from both forms.
#[test]
fn a_network_is_written_where_it_is_no_perceptron() {
    let read = |arm: &str| {
        let text = format!("name = 'x'\n[[arms]]\nname = 'a'\n{arm}\n");
        text.parse::<Experiment>()
            .unwrap_or_else(|error| panic!("{error}"))
    };
    assert_eq!(read("network = 'mlp'"), read(""));
    for arm in ["", "network = 'mlp'"] {
        assert!(!toml::to_string(&read(arm)).unwrap().contains("network"));
    }
    let list = "network = [\"linear 8\", \"tanh\", \"linear classes\"]";
    for (arm, short) in [
        (list, list),
        ("network = 'lenet'", "network = { lenet = {"),
        (
            "network = { resnet-small = { channels = [4] } }",
            "network = { resnet-small = { channels = [4], activation = \"relu\" } }",
        ),
    ] {
        let experiment = read(arm);
        let full = toml::to_string(&experiment).unwrap();
        assert_eq!(full.parse(), Ok(experiment.clone()), "{full}");
        let written = experiment.to_short_toml().unwrap();
        assert!(written.contains(short), "{written}");
        assert_eq!(written.parse(), Ok(experiment), "{written}");
    }
}

/// Methods that renew units are a line each, with the defaults of their papers, and both forms keep them.
#[test]
fn methods_that_renew_units_are_a_line() {
    let text = |list: &str| format!("name = 'x'\n[[arms]]\nname = 'a'\ninterventions = [{list}]\n");
    for (list, wanted) in [
        (
            "{ redo = {} }",
            Intervention::Redo {
                tau: 0.1,
                every: 1_000,
            },
        ),
        (
            "{ continual-backprop = { rate = 1e-3 } }",
            Intervention::ContinualBackprop {
                rate: 1e-3,
                maturity: 100,
                eta: 0.99,
            },
        ),
        (
            "{ self-normalised-resets = { eta = 0.02 } }",
            Intervention::SelfNormalisedResets {
                eta: 0.02,
                window: 1_000,
            },
        ),
    ] {
        let experiment: Experiment = text(list).parse().unwrap();
        assert_eq!(experiment.arms[0].interventions, [wanted]);
        for written in [
            toml::to_string(&experiment).unwrap(),
            experiment.to_short_toml().unwrap(),
        ] {
            assert_eq!(written.parse(), Ok(experiment.clone()), "{written}");
            assert!(is_valid(&validator(), &written), "{written}");
        }
    }
    for list in [
        "{ redo = { taw = 1 } }",
        "{ redo = { every = 0.5 } }",
        "'redo'",
        "{ reddo = {} }",
    ] {
        assert!(text(list).parse::<Experiment>().is_err(), "{list}");
        assert!(!is_valid(&validator(), &text(list)), "{list}");
    }
}

/// A fault of a list has its own line and column.
#[test]
fn a_fault_of_an_item_has_its_place() {
    let text =
        "name = 'x'\n[[arms]]\nname = 'a'\nnetwork = ['linear 8', 'golu', 'linear classes']\n";
    let error = text.parse::<Experiment>().unwrap_err().to_string();
    let wanted = "line 4, column ";
    let fault = "item of a network: wanted an operation (linear, conv, max-pool, average-pool, global-average-pool, flatten, layer-norm, \
        position-embedding, attention, add) or an activation, found \"golu\"";
    assert!(error.contains(wanted) && error.contains(fault), "{error}");
}

#[test]
fn a_switch_seed_is_optional_and_a_whole_number() {
    let text = |line: &str| format!("name = 'x'\n{line}\n[[arms]]\nname = 'a'\n");
    let read = |line: &str| text(line).parse::<Experiment>();
    let seed = |line: &str| read(line).unwrap().switch_seed;
    assert_eq!(seed(""), None);
    assert_eq!(seed("switch_seed = 0"), Some(0));
    assert_eq!(seed("switch_seed = 4294967295"), Some(u32::MAX));
    let written = |line: &str| toml::to_string(&read(line).unwrap()).unwrap();
    assert!(!written("").contains("switch_seed"));
    assert!(written("switch_seed = 7").contains("switch_seed = 7\n"));
    let validator = validator();
    for line in ["", "switch_seed = 0", "switch_seed = 7"] {
        assert!(is_valid(&validator, &text(line)), "{line}");
    }
    for value in ["-1", "'x'", "0.5", "true", "4294967296"] {
        let line = format!("switch_seed = {value}");
        let error = read(&line).unwrap_err().to_string();
        let wanted = "line 2, column 15: wanted a whole number, 0 to 4294967295, found ";
        assert!(error.contains(wanted), "{error}");
        // The schema has types, but not their largest numbers.
        let is_type = value == "4294967296";
        assert_eq!(is_valid(&validator, &text(&line)), is_type, "{line}");
    }
    let described = &schema()["properties"]["switch_seed"]["description"];
    let described = described.as_str().unwrap();
    assert!(
        described.contains("0.5 to 1.5 times the mean"),
        "{described}"
    );
}

/// Every stream is one line. The schema and the parser accept and refuse the same lines.
#[test]
fn a_stream_is_a_name_or_a_table_with_its_settings() {
    let text = |stream: &str| format!("name = 'x'\nstream = {stream}\n[[arms]]\nname = 'a'\n");
    let validator = validator();
    for (stream, wanted) in [
        ("'random-labels'", StreamKind::RandomLabels),
        ("'permuted-pixels'", StreamKind::PermutedPixels),
        ("'label-permutation'", StreamKind::LabelPermutation),
        (
            "{ noisy-labels = { share = 0.1 } }",
            StreamKind::NoisyLabels { share: 0.1 },
        ),
        ("'class-pairs'", StreamKind::ClassPairs),
        ("'hard-easy'", StreamKind::HardEasy),
        (
            "{ growing-data = { stages = 10 } }",
            StreamKind::GrowingData { stages: 10 },
        ),
        (
            "{ recurring-tasks = { period = 5 } }",
            StreamKind::RecurringTasks { period: 5 },
        ),
        (
            "{ gradual-switches = { stretch = 0.5 } }",
            StreamKind::GradualSwitches { stretch: 0.5 },
        ),
        (
            "{ regression = { share = 0.125 } }",
            StreamKind::Regression { share: 0.125 },
        ),
    ] {
        let read: Experiment = text(stream)
            .parse()
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.stream, wanted);
        assert!(is_valid(&validator, &text(stream)), "{stream}");
        let short = read.to_short_toml().unwrap();
        let line = format!("stream = {}\n", stream.replace('\'', "\""));
        assert_eq!(
            short.contains(&line),
            wanted != StreamKind::default(),
            "{short}"
        );
        for written in [short, toml::to_string(&read).unwrap()] {
            assert_eq!(written.parse(), Ok(read.clone()), "{written}");
            assert!(is_valid(&validator, &written), "{written}");
        }
    }
    for (stream, told) in [
        (
            "'noisy-labels'",
            "wanted a table with its settings, found a name alone",
        ),
        ("{ noisy-labels = {} }", "share"),
        ("{ noisy-labels = { share = 'half' } }", "found"),
        ("{ noisy-labels = { share = 0.5, seed = 3 } }", "seed"),
        ("{ growing-data = { stages = -1 } }", "found integer `-1`"),
        ("{ recurring-task = { period = 2 } }", "recurring-tasks"),
        ("{ hard-easy = { classes = 5 } }", ""),
        ("'class-pair'", "class-pairs"),
    ] {
        let error = text(stream).parse::<Experiment>().unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains(told), "{error}");
        assert!(!is_valid(&validator, &text(stream)), "{stream}");
    }
}

/// The README's example files can be copied and read.
#[test]
fn the_readmes_files_are_experiments() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let blocks = readme.split("```toml\n").skip(1);
    let arms = blocks.map(|block| {
        let text = block.split("```").next().unwrap();
        let experiment: Experiment = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert!(is_valid(&validator(), text));
        for arm in &experiment.arms {
            let network = &arm.network;
            let built = network.network([1, 28, 28], 10, &arm.hidden, arm.activation);
            built.unwrap();
        }
        experiment.arms.len()
    });
    assert_eq!(arms.collect::<Vec<_>>(), [2, 3]);
}
