//! The program and event files.

use crate::{assert_same, experiment, images, points_of, train, wanted};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;
use trainable::Compute;
use trainable::experiment::{Event, RunDirectory, run_in};

fn trainable(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
    command.args(arguments).output().unwrap()
}

fn assert_fails(output: &Output, mention: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(mention), "{error}");
}

/// The smoke preset with one task, in a directory of its own.
struct Case(TempDir);

impl Case {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("run")
    }

    fn run(&self, options: &[&str]) -> Output {
        let out = self.directory();
        let preset = [
            "run",
            "--preset",
            "smoke",
            "--tasks",
            "1",
            "--backend",
            "cpu",
        ];
        let out = ["--out", out.to_str().unwrap()];
        trainable(&[&preset[..], &out, options].concat())
    }
}

#[test]
fn the_program_writes_them_as_it_runs_or_later() {
    let case = Case::new();
    let output = case.run(&["--tensorboard"]);
    assert!(output.status.success(), "{output:?}");
    let points = points_of(&case.directory());
    assert!(points.contains_key(&("L2_ combined/seed-2".into(), "accuracy/online".into(), 80)));
    let events = case.directory().join("tensorboard");

    let later = || {
        let found = points_of(&case.directory());
        fs::remove_dir_all(&events).unwrap();
        found
    };
    fs::remove_dir_all(&events).unwrap();
    assert!(case.run(&["--resume"]).status.success());
    assert!(!events.exists());
    assert!(case.run(&["--resume", "--tensorboard"]).status.success());
    assert_same(&later(), &points);
    let directory = case.directory();
    let report = trainable(&["report", directory.to_str().unwrap(), "--tensorboard"]);
    assert!(report.status.success(), "{report:?}");
    assert_same(&later(), &points);
}

/// A file is in the directory's place, so no user can write below it.
#[test]
fn where_they_cannot_be_written_nothing_else_is_lost() {
    let case = Case::new();
    fs::create_dir(case.directory()).unwrap();
    let events = case.directory().join("tensorboard");
    fs::write(&events, "kept").unwrap();
    assert_fails(&case.run(&["--tensorboard"]), "error: cannot write ");
    assert_eq!(fs::read_to_string(&events).unwrap(), "kept");
    fs::remove_file(&events).unwrap();
    let output = case.run(&["--resume", "--tensorboard"]);
    assert!(output.status.success(), "{output:?}");
    assert!(points_of(&case.directory()).len() > 100);
}

/// The files vanish during the run. The checkpoint that was due is written before the error is reported.
#[test]
fn files_that_vanish_are_an_error_from_which_the_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let directory =
        RunDirectory::create(place.path(), &experiment(), &Compute::Cpu, &images()).unwrap();
    let directory = directory.with_event_files(&experiment()).unwrap();
    let tell = |event: Event<'_>| {
        if matches!(event, Event::Task(row) if row.task == 2) {
            let _ = fs::remove_dir_all(place.path().join("tensorboard"));
        }
    };
    let error = run_in(directory, &experiment(), &Compute::Cpu, &images(), tell).unwrap_err();
    assert!(error.to_string().contains("cannot write "), "{error}");
    let kept = fs::read_to_string(place.path().join("tasks.part.csv")).unwrap();
    assert_eq!(kept.lines().count(), 1 + 2 * 2, "{kept}");
    let results = train(place.path(), usize::MAX).unwrap();
    assert_same(&points_of(place.path()), &wanted(&results));
}
