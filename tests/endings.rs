//! The ends of the program: signals, standard streams that nobody reads, exit codes, and the files that are left.
#![cfg(unix)]

#[path = "common/notice.rs"]
mod notice;
#[path = "endings/pages.rs"]
mod pages;
#[path = "endings/refusals.rs"]
mod refusals;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use notice::notice;
use tempfile::TempDir;

const CHECKPOINT: &str = "checkpoint.safetensors";
/// The number of tasks of a run that is stopped before its end.
const TASKS: u32 = 16;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn trainable(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// Returns the command `trainable run` for the smoke preset with `tasks` tasks and a checkpoint after every piece of
/// training.
fn smoke(out: &Path, tasks: u32) -> Command {
    let mut command = program();
    let tasks = tasks.to_string();
    command.args(["run", "--preset", "smoke", "--tasks", &tasks]);
    command.args(["--backend", "cpu", "--checkpoint-seconds", "0", "--out"]);
    command.arg(out);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns the same command, started by a shell that runs `prepare` first.
fn shelled(prepare: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(format!("{prepare}exec \"$@\""))
        .arg("sh");
    shell.arg(command.get_program()).args(command.get_args());
    shell.stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn send(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
}

/// Waits until `file` exists.
fn await_file(file: &Path, child: &mut Child) {
    while !file.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        sleep(Duration::from_millis(1));
    }
}

/// Returns the content of each file in a directory, by name.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap_or_default())
    };
    entries.map(file).collect()
}

fn refused(output: &Output, code: i32, mention: &str) {
    let error = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(mention), "no {mention:?} in {error}");
    assert!(output.stdout.is_empty());
}

fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

/// Runs the smoke preset, stops it at a checkpoint, and returns its directory.
fn stopped() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("stopped");
    let mut child = smoke(&run, TASKS).spawn().unwrap();
    let rows = || fs::read_to_string(run.join("tasks.part.csv")).unwrap_or_default();
    while rows().lines().count() < 10 {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        sleep(Duration::from_millis(1));
    }
    send(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    refused(
        &output,
        130,
        "stopped at a checkpoint; the same command with --resume",
    );
    (place, run)
}

#[test]
fn an_ignored_signal_stays_ignored() {
    let place = tempfile::tempdir().unwrap();
    for (prepare, signal, code) in [
        ("trap '' HUP; ", "-HUP", 0),
        ("", "-HUP", 130),
        ("", "-TERM", 130),
        #[cfg(target_os = "linux")]
        ("trap '' INT; ", "-INT", 0),
    ] {
        if code == 130 && signal == "-HUP" && !cfg!(target_os = "linux") {
            continue;
        }
        let out = place.path().join(format!("{}{signal}", prepare.len()));
        let mut child = shelled(prepare, &smoke(&out, 10)).spawn().unwrap();
        await_file(&out.join(CHECKPOINT), &mut child);
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        let error = stderr(&output);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{prepare}{signal}: {error}"
        );
        assert_eq!(out.join("report.html").exists(), code == 0);
    }
}

/// The program handles signals before it reads anything. Until there is work to save, the first signal ends the process.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_program_from_the_start_on() {
    let place = tempfile::tempdir().unwrap();
    for command in ["run", "sweep"] {
        let out = place.path().join(command);
        let mut child = program();
        child.args([command, "--preset", "smoke", "--tasks", "5000"]);
        if command == "sweep" {
            child.args(["--vary", "batch=32,64"]);
        }
        child.args(["--backend", "cpu", "--out"]).arg(&out);
        child.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let is_caught = || {
            let status = fs::read_to_string(&status).unwrap();
            let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
            u64::from_str_radix(mask.unwrap().trim(), 16).unwrap() & (1 << 14) != 0
        };
        while !is_caught() {
            assert!(child.try_wait().unwrap().is_none(), "it has ended");
            sleep(Duration::from_micros(200));
        }
        send(&child, "-TERM");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
    }
}

/// Each piece of training takes so long that two signals arrive within one.
#[test]
fn the_second_signal_ends_it_at_once() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("mine.toml");
    let preset = trainable(&["presets", "smoke", "--full"]);
    let preset = String::from_utf8(preset.stdout).unwrap();
    let mut experiment: toml::Table = preset.parse().unwrap();
    for (field, value) in [("images", 25_600), ("batch", 256), ("interval", 1_000)] {
        experiment.insert(field.to_owned(), value.into());
    }
    fs::write(&file, toml::to_string(&experiment).unwrap()).unwrap();
    let ends_at_once = |attempt: u32| {
        let out = place.path().join(attempt.to_string());
        let mut command = program();
        command.arg("run").arg(&file).args(["--backend", "cpu"]);
        command
            .args(["--checkpoint-seconds", "0", "--out"])
            .arg(&out);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        await_file(&out.join(CHECKPOINT), &mut child);
        // A signal that arrives while another one is pending is lost.
        while child.try_wait().unwrap().is_none() {
            send(&child, "-INT");
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
        !stderr(&output).contains("stopped")
    };
    // On a busy machine the run may reach its checkpoint between the two signals.
    assert!((0..5).any(ends_at_once), "it stops at a checkpoint");
}

/// Standard error is a pipe that nobody reads, or a device that is always full.
#[test]
fn a_dead_standard_error_stops_no_run() {
    let place = tempfile::tempdir().unwrap();
    let whole = place.path().join("whole");
    succeeded(&smoke(&whole, 1).output().unwrap());
    let whole = contents(&whole);
    for (number, progress) in ["lines", "bar", "quiet", "json"].iter().enumerate() {
        for is_full in [false, true] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let stream = match (is_full, File::options().write(true).open("/dev/full")) {
                (false, _) => Stdio::from(writer),
                (true, Ok(full)) => Stdio::from(full),
                (true, Err(_)) => {
                    notice("HALF SKIPPED, because there is no /dev/full");
                    continue;
                }
            };
            let out = place.path().join(format!("{number}-{is_full}"));
            let mut command = smoke(&out, 1);
            command.args(["--progress", progress]).stderr(stream);
            // The program also writes log messages.
            command.env("RUST_LOG", "debug");
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{progress}, {is_full}");
            for (name, bytes) in &contents(&out) {
                assert!(
                    whole[name] == *bytes,
                    "{progress}, {is_full}: {name} differs"
                );
            }
        }
    }
    // A dead standard error does not change the exit code of a refusal either.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program();
    command.args(["run", "no.toml"]).stderr(writer);
    assert_eq!(command.status().unwrap().code(), Some(2));
}

#[test]
fn a_reader_that_wants_no_more_is_no_failure() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let mut run = smoke(&out, 1);
    for arguments in [
        &["presets"][..],
        &["presets", "diagnosis"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
        &["run", "--help"],
        &["--version"],
        &["run"],
    ] {
        let mut plain = program();
        plain.args(arguments).stderr(Stdio::piped());
        let command = match arguments {
            ["run"] => &mut run,
            _ => &mut plain,
        };
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).output().unwrap();
        let error = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {error}");
        assert!(
            !error.contains("panicked") && !error.contains("error:"),
            "{error}"
        );
        // A full disk is an error.
        let Ok(full) = File::options().write(true).open("/dev/full") else {
            notice("HALF SKIPPED, because there is no /dev/full");
            continue;
        };
        if arguments != ["run"] {
            let output = command.stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?}");
            assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
        }
    }
    assert!(out.join("report.html").is_file());
}

#[test]
fn colours_are_for_terminals_and_for_whoever_wants_them() {
    let told = |variables: &[(&str, &str)]| {
        let mut command = program();
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied());
        stderr(&command.args(["run", "no.toml"]).output().unwrap())
    };
    let plain = told(&[]);
    assert!(plain.starts_with("error: cannot read no.toml"), "{plain}");
    let coloured = told(&[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.starts_with("\u{1b}["), "{coloured:?}");
    assert!(
        coloured.contains("error:\u{1b}[0m cannot read no.toml"),
        "{coloured:?}"
    );
    assert_eq!(told(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]), plain);
}

/// Desktops have a session directory (`XDG_RUNTIME_DIR`); compute servers have none.
#[cfg(target_os = "linux")]
#[test]
fn without_a_session_nothing_complains() {
    let place = tempfile::tempdir().unwrap();
    for (number, directory) in [None, Some(""), Some("not/absolute")].iter().enumerate() {
        let mut command = program();
        for name in [
            "XDG_RUNTIME_DIR",
            "NODEVICE_SELECT",
            "WAYLAND_DISPLAY",
            "DISPLAY",
        ] {
            command.env_remove(name);
        }
        command.envs(directory.map(|directory| ("XDG_RUNTIME_DIR", directory)));
        command.args(["run", "--preset", "smoke", "--tasks", "1", "--out"]);
        command.arg(place.path().join(number.to_string()));
        let output = command.output().unwrap();
        succeeded(&output);
        assert!(
            !stderr(&output).contains("XDG"),
            "{directory:?}: {}",
            stderr(&output)
        );
    }
}
