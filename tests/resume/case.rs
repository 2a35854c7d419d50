//! An experiment and its runs: started, stopped at a checkpoint, compared with each other.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Arm, Experiment, Placebo, PlaceboKind};
use trainable::network::{Architecture, ListedItem};
use trainable::scheduler::{BoundControl, Control};
use trainable::spec::{Intervention, Optimiser, TaskSwitch, UpdateClipping};

pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";

/// An experiment of four batches of replicas (three shapes, then placebos), 60 steps each, with a probe at every seventh.
pub(crate) fn experiment() -> Experiment {
    let plain = Arm {
        hidden: vec![8],
        step_size: 1e-2,
        ..Arm::default()
    };
    let bound = Arm {
        name: "bound, \"quoted\"".to_owned(),
        control: Control::Bound(BoundControl::paper()),
        ..plain.clone()
    };
    let placebo = |kind| Arm {
        name: format!("{kind:?}"),
        placebo: Some(Placebo {
            of: bound.name.clone(),
            kind,
        }),
        ..plain.clone()
    };
    Experiment {
        name: "resumed".to_owned(),
        question: "Is it the same?".to_owned(),
        images: 64,
        batch: 16,
        epochs: 3,
        tasks: 5,
        relabel_fraction: 0.5,
        seeds: vec![1, 2],
        interval: 7,
        indicators_every: 3,
        figures: Vec::new(),
        arms: vec![
            bound.clone(),
            Arm {
                name: "regularised".to_owned(),
                l2_init: 0.01,
                wasserstein: 0.01,
                optimiser: Optimiser::Sgd { momentum: 0.9 },
                gradient_clipping: Some(0.5),
                at_task_switch: TaskSwitch::FreshNetwork,
                ..plain.clone()
            },
            Arm {
                name: "deeper".to_owned(),
                hidden: vec![8, 8],
                interventions: vec![Intervention::ContinualBackprop {
                    rate: 0.05,
                    maturity: 5,
                    eta: 0.9,
                }],
                at_task_switch: TaskSwitch::ResetOptimiser,
                optimiser: Optimiser::AmsGrad {
                    beta1: 0.9,
                    beta2: 0.99,
                    epsilon: 1e-8,
                },
                update_clipping: Some(UpdateClipping {
                    threshold: 1.1,
                    ..UpdateClipping::default()
                }),
                ..plain.clone()
            },
            Arm {
                name: "two second moments".to_owned(),
                at_task_switch: TaskSwitch::RelativeTime,
                optimiser: Optimiser::AdamMax {
                    beta1: 0.9,
                    beta2: 0.99,
                    fast_beta2: 0.5,
                    epsilon: 1e-8,
                },
                ..plain.clone()
            },
            Arm {
                name: "list".to_owned(),
                network: Architecture::Items(list()),
                hidden: Arm::default().hidden,
                ..plain.clone()
            },
            Arm {
                name: "diverges".to_owned(),
                step_size: 1e30,
                ..plain.clone()
            },
            placebo(PlaceboKind::RandomCool),
            placebo(PlaceboKind::Replay),
        ],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

/// The items of a network with a sum.
fn list() -> Vec<ListedItem> {
    let items = "flatten, linear 8, tanh, linear 8, add 3, relu, linear classes";
    items
        .split(", ")
        .map(|item| item.parse().unwrap())
        .collect()
}

/// An experiment file and a temporary directory for its runs.
pub(crate) struct Case {
    pub(crate) place: TempDir,
}

impl Case {
    pub(crate) fn new() -> Self {
        let case = Self {
            place: tempfile::tempdir().unwrap(),
        };
        case.write(&experiment());
        case
    }

    pub(crate) fn write(&self, experiment: &Experiment) {
        fs::write(self.file(), toml::to_string(experiment).unwrap()).unwrap();
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.place.path().join("asked.toml")
    }

    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The command of a run that writes a checkpoint after every piece of training.
    pub(crate) fn command(&self, directory: &str, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
        command.env_remove("RUST_LOG").arg("run").arg(self.file());
        command.args(["--backend", "cpu", "--checkpoint-seconds", "0", "--out"]);
        command.arg(self.directory(directory)).args(options);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, directory: &str, options: &[&str]) -> Output {
        self.command(directory, options).output().unwrap()
    }

    pub(crate) fn spawn(&self, directory: &str) -> Child {
        self.command(directory, &["--resume"]).spawn().unwrap()
    }

    /// Starts a run and stops it at a checkpoint within a batch.
    pub(crate) fn stopped(directory: &str) -> Self {
        let case = Self::new();
        let mut child = case.spawn(directory);
        case.await_checkpoints(directory, &mut child, 5);
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        case
    }

    /// Waits for `count` new checkpoints, or for the end of the child.
    pub(crate) fn await_checkpoints(&self, directory: &str, child: &mut Child, count: u32) {
        let checkpoint = self.directory(directory).join(CHECKPOINT);
        let written = || {
            fs::metadata(&checkpoint)
                .and_then(|file| file.modified())
                .ok()
        };
        let mut latest: Option<SystemTime> = written();
        let mut seen = 0;
        while seen < count && child.try_wait().unwrap().is_none() {
            let now = written();
            if now != latest {
                (latest, seen) = (now, seen + 1);
            }
            sleep(Duration::from_micros(200));
        }
    }
}

pub(crate) fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The files of a directory by name.
pub(crate) fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

pub(crate) fn assert_same(found: &Path, wanted: &Path) {
    let (found, wanted) = (contents(found), contents(wanted));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&wanted));
    for (name, bytes) in &wanted {
        // The order of keys in the checkpoint's JSON is fixed: the whole file is compared.
        assert!(found[name] == *bytes, "{name} differs");
    }
    let rows = |name: &str| wanted[name].iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(
        rows("tasks.csv"),
        1 + 7 * 2 * 5,
        "all but the diverging arm's tasks"
    );
    assert!(rows("probes.csv") > 100);
}

pub(crate) fn assert_refused(output: &Output, exit_code: i32, message: &str) {
    let found = stderr(output);
    assert_eq!(output.status.code(), Some(exit_code), "{found}");
    assert!(found.contains(message), "wanted {message:?} in {found:?}");
    assert!(output.stdout.is_empty());
}
