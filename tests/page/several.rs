//! Pages of several runs, and the command that writes them.

use crate::{
    Case, HOSTILE, attributes, experiment, faults, images, numbers, results, texts, write_run,
};
use scraper::Html;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use trainable::Compute;
use trainable::experiment::{Results, run};
use trainable::report::{Foreign, write_page};
use trainable::spec::StreamKind;

#[test]
fn several_runs_have_one_page_that_tells_their_arms_apart() {
    let case = Case::new();
    let parent = case.run.parent().unwrap();
    let mut other = experiment();
    other.arms[1].name = "other".to_owned();
    let mut of_other = Results {
        tasks: results().tasks.clone(),
        probes: results().probes.clone(),
        indicators: results().indicators.clone(),
    };
    let renamed = |arm: &mut String| {
        if arm == HOSTILE {
            *arm = "other".to_owned();
        }
    };
    of_other
        .tasks
        .iter_mut()
        .for_each(|row| renamed(&mut row.arm));
    of_other
        .probes
        .iter_mut()
        .for_each(|row| renamed(&mut row.arm));
    of_other
        .indicators
        .iter_mut()
        .for_each(|row| renamed(&mut row.arm));
    let second = write_run(parent, "second", &other, &of_other);

    let page = parent.join("both.html");
    write_page(&[&case.run, &second], &page, Foreign::Keep).unwrap();
    let text = fs::read_to_string(&page).unwrap();
    assert_eq!(faults(&text), Vec::<String>::new());
    let html = Html::parse_document(&text);
    let arms = ["first / ReLU", HOSTILE, "second / ReLU", "other"];
    assert_eq!(texts(&html, "#scores tbody th"), arms);
    assert_eq!(
        texts(&html, "#differences tbody th"),
        [HOSTILE, "other", "second / ReLU", "other"]
    );
    let against = texts(&html, "#differences .arm");
    assert_eq!(
        against,
        [
            "first / ReLU",
            "second / ReLU",
            "first / ReLU",
            "first / ReLU"
        ]
    );
    // The same rows under two names have no difference.
    let namesakes = "#differences tbody tr:nth-of-type(3) data";
    assert_eq!(attributes(&html, namesakes, "value"), ["0", "0", "0"]);
    assert_eq!(texts(&html, "#bounds h3"), ["first", "second"]);
    for file in [
        "both-scores.csv",
        "both-differences.csv",
        "both-accuracies.svg",
        "both-first-bounds.png",
        "both-second-trajectories.svg",
    ] {
        assert!(parent.join(file).is_file(), "{file}");
    }
    assert_eq!(numbers(&parent.join("both-scores.csv"), &["mean"]).len(), 4);

    assert_eq!(
        texts(&html, ".kicker"),
        ["Loss of trainability on random-label MNIST"]
    );

    // Runs on different streams have no pairs of seeds to compare.
    other.stream = StreamKind::PermutedPixels;
    let text = toml::to_string(&other).unwrap();
    fs::write(second.join("experiment.toml"), text).unwrap();
    write_page(&[&case.run, &second], &page, Foreign::Keep).unwrap();
    let html = Html::parse_document(&fs::read_to_string(&page).unwrap());
    assert_eq!(texts(&html, "#differences tbody th"), [HOSTILE, "other"]);
    assert_eq!(
        texts(&html, ".kicker"),
        ["Loss of trainability on permuted MNIST and random-label MNIST"]
    );
    let told = "3 tasks of 32 steps: 64 images, minibatches of 16, 8 epochs";
    let streams = ["random-label MNIST", "permuted MNIST"].map(|kind| format!("{kind}, {told}"));
    assert_eq!(texts(&html, "#asked tr:nth-of-type(5) td"), streams);
    other.stream = StreamKind::RandomLabels;

    // Neither have runs whose tasks have other lengths.
    other.switch_seed = Some(9);
    let text = toml::to_string(&other).unwrap();
    fs::write(second.join("experiment.toml"), text).unwrap();
    write_page(&[&case.run, &second], &page, Foreign::Keep).unwrap();
    let html = Html::parse_document(&fs::read_to_string(&page).unwrap());
    assert_eq!(texts(&html, "#differences tbody th"), [HOSTILE, "other"]);
    let random = told.replace("32 steps", "16 to 48 steps, drawn with switch seed 9");
    let streams = [told, &random].map(|told| format!("random-label MNIST, {told}"));
    assert_eq!(texts(&html, "#asked tr:nth-of-type(5) td"), streams);
    other.switch_seed = None;

    // Runs with different seeds have none either.
    other.seeds = vec![2, 1];
    let text = toml::to_string(&other).unwrap();
    fs::write(second.join("experiment.toml"), text).unwrap();
    write_page(&[&case.run, &second], &page, Foreign::Keep).unwrap();
    let html = Html::parse_document(&fs::read_to_string(&page).unwrap());
    assert_eq!(texts(&html, "#differences tbody th"), [HOSTILE, "other"]);
}

/// A run of fewer tasks does not end early, whether it shares the names of its arms with the other or not.
#[test]
fn runs_of_different_lengths_are_whole() {
    let case = Case::new();
    let mut short = experiment();
    short.tasks = 2;
    short.arms.truncate(1);
    let results = run(&short, &Compute::Cpu, &images(), |_| {}).unwrap();
    for name in ["ReLU", "other"] {
        short.arms[0].name = name.to_owned();
        let mut results = Results {
            tasks: results.tasks.clone(),
            ..Results::default()
        };
        results
            .tasks
            .iter_mut()
            .for_each(|row| row.arm = name.to_owned());
        let says_early = |results: &Results| {
            let parent = tempfile::tempdir().unwrap();
            let run = write_run(parent.path(), "short", &short, results);
            let page = parent.path().join("both.html");
            write_page(&[&case.run, &run], &page, Foreign::Keep).unwrap();
            let text = fs::read_to_string(&page).unwrap();
            text.contains("Seeds that end early")
        };
        assert!(!says_early(&results), "{name}");
        // The negative control: one seed lacks the last task.
        results.tasks.pop();
        assert!(says_early(&results), "{name}");
    }
}

fn trainable(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainable"))
        .arg("report")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_program_writes_a_page_or_says_why_not() {
    let case = Case::new();
    let output = trainable(&[&case.run]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty());
    assert!(case.page().is_file());

    let elsewhere = case.run.join("elsewhere.html");
    fs::write(&elsewhere, "kept").unwrap();
    let out = Path::new("--out");
    let output = trainable(&[&case.run, out, &elsewhere]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
    let output = trainable(&[&case.run, out, &elsewhere, Path::new("--force")]);
    assert!(output.status.success(), "{output:?}");

    let missing = case.run.join("missing/report.html");
    let output = trainable(&[&case.run, out, &missing]);
    assert!(output.status.success() && missing.is_file(), "{output:?}");
    let missing = case.page().join("below/report.html");
    let output = trainable(&[&case.run, out, &missing]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    fs::remove_file(case.run.join("tasks.csv")).unwrap();
    let output = trainable(&[&case.run]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("tasks.csv: wanted a table of a run"),
        "{message}"
    );
}
