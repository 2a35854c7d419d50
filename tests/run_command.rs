//! The commands `trainable run` and `trainable presets` as users call them.

#[path = "run_command/own_data.rs"]
mod own_data;
#[path = "run_command/refusals.rs"]
mod refusals;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn trainable(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainable"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Fails unless the command exits with `code`, prints all of `mentions`, and leaves standard output empty.
fn refused(arguments: &[&str], code: i32, mentions: &[&str]) {
    let output = trainable(arguments);
    let (error, printed) = (text(&output.stderr), text(&output.stdout));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
    assert_eq!(printed, "", "{arguments:?}");
    for mention in mentions {
        assert!(
            error.contains(mention),
            "{arguments:?}: no {mention:?} in {error}"
        );
    }
}

/// Writes the smoke preset to a file, with `from` replaced by `to`, and returns the file's path.
fn edited(directory: &Path, from: &str, to: &str) -> String {
    let preset = text(&trainable(&["presets", "smoke", "--full"]).stdout);
    assert!(preset.contains(from), "no {from:?} in {preset}");
    let path = directory.join("mine.toml");
    fs::write(&path, preset.replacen(from, to, 1)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn presets_are_listed_and_printed() {
    let list = text(&trainable(&["presets"]).stdout);
    for name in [
        "smoke",
        "diagnosis",
        "ablation",
        "per-layer-vs-global",
        "trajectories",
        "controllers",
        "remedies",
        "lenet",
        "transformer-permuted",
    ] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
        let small = text(&trainable(&["presets", name]).stdout);
        let paper = text(&trainable(&["presets", name, "--scale", "paper"]).stdout);
        assert!(small.contains(&format!("name = \"{name}\"")) && small.contains("[[arms]]"));
        assert_eq!(paper.contains("images = 25600"), name != "smoke", "{name}");
    }
}

#[test]
fn a_preset_is_printed_short_or_in_full() {
    let printed = |arguments: &[&str]| {
        let output = trainable(&[&["presets"], arguments].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let (short, full) = (printed(&["ablation"]), printed(&["ablation", "--full"]));
    assert!(short.starts_with(
        "# Fields that are not listed have their defaults: `trainable presets ablation --full`"
    ));
    for line in [
        "# Coupled L2: the share of every parameter that is added to its gradient.",
        "control = \"paper\"",
        "control = { profile = \"paper\", signal = \"noise\" }",
    ] {
        assert!(
            short.lines().any(|found| found == line),
            "no {line} in {short}"
        );
    }
    assert!(!short.contains("images") && full.contains("images = 1280"));
    assert!(full.contains("[arms.control.bound.estimator]"));
    let paper = printed(&["ablation", "--scale", "paper"]);
    assert!(
        paper.contains("presets ablation --scale paper --full") && paper.contains("images = 25600")
    );
    let read = |text: &str| text.parse::<trainable::experiment::Experiment>().unwrap();
    assert_eq!(read(&short), read(&full));
    refused(&["presets", "--full"], 2, &["<NAME>"]);
}

/// The command prints every fault of a file at once, on standard error, and writes nothing.
#[test]
fn all_faults_of_a_file_are_told_together() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    let lines = [
        "name = 'mine'",
        "imagse = 256",
        "[[arms]]",
        "l2 = 'much'",
        "control = 'papre'",
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let path = file.to_str().unwrap();
    let mentions = [
        &format!("cannot read {path} as an experiment: 4 faults"),
        "line 2, column 1: unknown field `imagse`; did you mean `images`?",
        "line 3, column 1: missing field `name`",
        "line 4, column 6: wanted a number, found string \"much\"",
        "line 5, column 11: unknown variant `papre`; did you mean `paper`?",
    ];
    refused(&["run", path], 2, &mentions);
    refused(&["sweep", path, "--vary", "batch=16"], 2, &mentions);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

/// Runs the README's first file with fewer images.
#[test]
fn a_file_of_names_and_what_differs_runs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mine.toml");
    let lines = [
        "name = \"mine\"",
        "images = 64",
        "[[arms]]",
        "name = \"plain\"",
        "[[arms]]",
        "name = \"clipped\"",
        "control = \"update-clipping\"",
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let out = directory.path().join("out");
    let arguments = ["--tasks", "1", "--seeds", "1", "--backend", "cpu", "--out"];
    let command = [
        &["run", file.to_str().unwrap()],
        &arguments[..],
        &[out.to_str().unwrap()],
    ];
    let output = trainable(&command.concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    assert!(
        table.contains("plain") && table.contains("clipped"),
        "{table}"
    );
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(!page.contains("class=\"question\""), "it asks nothing");
    // The file that the run leaves states every field, and is the same experiment.
    let resolved = fs::read_to_string(out.join("experiment.toml")).unwrap();
    for line in [
        "images = 64",
        "epochs = 50",
        "threshold = 3.0",
        "[arms.optimiser.adam]",
        "kappa = 20.0",
    ] {
        assert!(
            resolved.lines().any(|found| found == line),
            "no {line} in {resolved}"
        );
    }
    let again = directory.path().join("again");
    let whole = out.join("experiment.toml");
    let command = [
        "run",
        whole.to_str().unwrap(),
        "--backend",
        "cpu",
        "--out",
        again.to_str().unwrap(),
    ];
    let output = trainable(&command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let tasks = |run: &Path| fs::read(run.join("tasks.csv")).unwrap();
    assert_eq!(tasks(&again), tasks(&out));
}

#[test]
fn the_schema_is_printed() {
    let output = trainable(&["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema, trainable::experiment::schema());
}

#[test]
fn a_preset_and_its_file_give_the_same_tables() {
    let directory = tempfile::tempdir().unwrap();
    let out = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let file = edited(directory.path(), "tasks = 3", "tasks = 2");
    let common = ["--backend", "cpu", "--out"];
    let of_file = trainable(&[&["run", &file], &common[..], &[&out("file")]].concat());
    let preset = ["run", "--preset", "smoke", "--tasks", "2"];
    let of_preset = trainable(&[&preset, &common[..], &[&out("preset")]].concat());
    for output in [&of_file, &of_preset] {
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    assert_eq!(text(&of_file.stdout), text(&of_preset.stdout));
    assert!(text(&of_file.stdout).contains("L2: combined"));
    for table in ["tasks.csv", "probes.csv", "scores.csv", "differences.csv"] {
        let read = |run: &str| fs::read_to_string(Path::new(&out(run)).join(table)).unwrap();
        assert_eq!(read("file"), read("preset"), "{table}");
        assert!(read("file").lines().count() > 1, "{table}");
    }
    for picture in ["trajectories.svg", "trajectories.png", "experiment.toml"] {
        assert!(Path::new(&out("file")).join(picture).exists(), "{picture}");
    }
}

/// Old files name no stream; their stream is the paper's.
#[test]
fn a_file_without_a_stream_means_random_labels() {
    let directory = tempfile::tempdir().unwrap();
    let trained = |name: &str, stream: &str| {
        let file = edited(directory.path(), "stream = \"random-labels\"", stream);
        let out = directory.path().join(name);
        let arguments = ["run", &file, "--tasks", "1", "--seeds", "1", "--backend"];
        let arguments = [&arguments[..], &["cpu", "--out", out.to_str().unwrap()]];
        let output = trainable(&arguments.concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        let read = |file: &str| fs::read_to_string(out.join(file)).unwrap();
        (
            read("experiment.toml"),
            read("tasks.csv"),
            read("probes.csv"),
        )
    };
    let random = trained("random", "stream = \"random-labels\"");
    assert!(random.0.contains("stream = \"random-labels\""));
    assert_eq!(trained("old", ""), random);
    let permuted = trained("permuted", "stream = \"permuted-pixels\"");
    assert!(permuted.0.contains("stream = \"permuted-pixels\""));
    assert_ne!(permuted.1, random.1);
}

#[test]
fn progress_is_told_as_asked() {
    let directory = tempfile::tempdir().unwrap();
    let told = |progress: &str| {
        let out = directory.path().join(progress);
        let common = [
            "run",
            "--preset",
            "smoke",
            "--tasks",
            "2",
            "--backend",
            "cpu",
        ];
        let output = trainable(
            &[
                &common[..],
                &["--progress", progress, "--out", out.to_str().unwrap()],
            ]
            .concat(),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    // Two arms, two seeds and two tasks make 8 lines.
    let (table, lines) = told("lines");
    assert_eq!(
        lines.lines().filter(|line| line.contains("seed")).count(),
        8,
        "{lines}"
    );
    assert!(table.contains("online accuracy"));
    let (_, quiet) = told("quiet");
    assert!(!quiet.contains("seed"), "{quiet}");
    let (json, _) = told("json");
    let events: Vec<serde_json::Value> = json
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect();
    assert_eq!(events.len(), 9);
    assert!(events[..8].iter().all(|event| event["event"] == "task"));
    assert!(
        events[0]["row"]["online_accuracy"]
            .as_f64()
            .is_some_and(|a| a > 0.0)
    );
    assert_eq!(events[8]["event"], "finished");
    assert_eq!(events[8]["steps"], events[8]["total_steps"]);
}
