//! Experiment files, which are read, checked, and run if they are small.

use std::fs;
use std::path::Path;

use trainable::Compute;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Experiment, run, score_name, score_table, scores};

use super::Target;
use super::small::{as_toml, experiments, images, is_small};
use crate::{Input, text};

const FILE: &str = "experiment.toml";

pub(super) const TARGET: Target = Target {
    name: "experiments",
    corpus,
    mutate: |input, session| {
        input
            .files
            .values_mut()
            .for_each(|file| text(session, file))
    },
    run: read,
};

fn corpus() -> Vec<Input> {
    // A preset wants more images than there are here.
    let preset = |preset: Preset| Experiment {
        images: 32,
        batch: 16,
        ..preset.experiment(Scale::Small)
    };
    let all = experiments().into_iter().chain(Preset::ALL.map(preset));
    let both = all.flat_map(|experiment| {
        let short = experiment.to_short_toml();
        [
            as_toml(&experiment),
            short.expect("as the whole file has one"),
        ]
    });
    both.map(|text| Input::of(FILE, text)).collect()
}

fn read(directory: &Path) -> bool {
    let Ok(text) = fs::read_to_string(directory.join(FILE)) else {
        return false;
    };
    let experiment = match text.parse::<Experiment>() {
        Ok(experiment) => experiment,
        Err(error) => {
            assert!(toml::from_str::<Experiment>(&text).is_err(), "{error}");
            assert!(!error.faults().is_empty() && !error.to_string().is_empty());
            return false;
        }
    };
    let images = images();
    if experiment.check(&images).is_err() || experiment.check_room(&Compute::Cpu, &images).is_err()
    {
        return false;
    }
    // A checked experiment has no NaN, which would not equal itself.
    let short = experiment.to_short_toml();
    for text in [
        as_toml(&experiment),
        short.expect("as the whole file has one"),
    ] {
        assert_eq!(text.parse(), Ok(experiment.clone()), "{text}");
    }
    if is_small(&experiment) {
        let results = run(&experiment, &Compute::Cpu, &images, |_| {});
        let Ok(results) = results else {
            return false;
        };
        if let Ok(scores) = scores(&experiment, &results.tasks) {
            score_table(&scores, score_name([&experiment]));
        }
    }
    true
}
