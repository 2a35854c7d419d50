//! The ends of the program: signals, standard streams that nobody reads, exit codes, and the files that are left.
#![cfg(unix)]

#[path = "common/notice.rs"]
mod notice;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
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
fn what_is_in_the_way_is_found_before_anything_is_trained() {
    let place = tempfile::tempdir().unwrap();
    for (name, message) in [
        (
            "report.html",
            "wanted no file or an older report to replace",
        ),
        (
            "scores.csv",
            "wanted no file where the run writes its results, found one\nhint: --out",
        ),
        (
            "trajectories.png",
            "wanted no file where the run writes its results",
        ),
    ] {
        let out = place.path().join(name);
        fs::create_dir(&out).unwrap();
        fs::write(out.join(name), "of somebody").unwrap();
        for resume in [&[][..], &["--resume"]] {
            refused(&smoke(&out, 1).args(resume).output().unwrap(), 2, message);
            let left = contents(&out);
            assert_eq!(left.keys().collect::<Vec<_>>(), [name]);
            assert_eq!(left[name], b"of somebody");
        }
    }
    let out = place.path().join("pipe");
    fs::create_dir(&out).unwrap();
    let _socket = UnixListener::bind(out.join("report.html")).unwrap();
    let output = smoke(&out, 1).output().unwrap();
    refused(&output, 2, "report.html: wanted a file or nothing");

    let out = place.path().join("sweep");
    fs::create_dir(&out).unwrap();
    for name in ["sweep.csv", "report.html"] {
        fs::write(out.join(name), "of somebody").unwrap();
        let sweep = [
            "sweep",
            "--preset",
            "smoke",
            "--vary",
            "batch=32,64",
            "--out",
        ];
        let output = program().args(sweep).arg(&out).output().unwrap();
        refused(&output, 2, &format!("{name}: wanted no file"));
        assert_eq!(contents(&out).keys().collect::<Vec<_>>(), [name]);
        fs::remove_file(out.join(name)).unwrap();
    }
}

#[test]
fn a_report_replaces_regular_files_only() {
    let (_place, run) = stopped();
    let socket = run.join("page.html");
    let _listener = UnixListener::bind(&socket).unwrap();
    for page in [&socket, Path::new("/dev/null")] {
        let mut command = program();
        command.arg("report").arg(&run).arg("--force");
        let output = command.arg("--out").arg(page).output().unwrap();
        refused(
            &output,
            2,
            "in the page's place, found what is no regular file",
        );
    }
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    let null = fs::metadata("/dev/null").unwrap();
    assert!(null.file_type().is_char_device());
}

#[test]
fn an_unfinished_run_has_a_page_and_is_left_alone() {
    let (place, run) = stopped();
    let report = || {
        let output = program().arg("report").arg(&run).output().unwrap();
        succeeded(&output);
        let page = run.join("report.html");
        let last = stderr(&output);
        assert_eq!(last.lines().last().unwrap(), page.to_str().unwrap());
        fs::read_to_string(page).unwrap()
    };
    let mut before = contents(&run);
    // The lock is held, as it is while another process trains there.
    let lock = File::open(run.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    let page = report();
    let mut after = contents(&run);
    assert!(after.remove("report.html").is_some());
    assert!(after == before, "something else was changed");

    let rows = String::from_utf8(before["tasks.part.csv"].clone()).unwrap();
    let newest = |row: &str| row.split(',').nth(2)?.parse::<u32>().ok();
    let newest = rows.lines().skip(1).filter_map(newest).max().unwrap();
    assert!(newest > 1);
    let told = format!("Unfinished: task {newest} of {TASKS}.");
    assert!(page.contains(&told), "no {told:?}");
    let done = rows.lines().count() - 1;
    assert!(page.contains(&format!("{done} of {} tasks are finished", 4 * TASKS)));
    assert!(page.contains("<svg") && !page.contains("As files"));

    // The table ends in the middle of a line, as it does while a row is written.
    let mut half = before.remove("tasks.part.csv").unwrap();
    half.extend_from_slice(b"\"L2: comb");
    fs::write(run.join("tasks.part.csv"), &half).unwrap();
    assert!(report() == page, "a half line changes the page");
    fs::write(run.join("tasks.part.csv"), rows).unwrap();
    drop(lock);

    let whole = place.path().join("whole");
    succeeded(&smoke(&whole, TASKS).output().unwrap());
    succeeded(&smoke(&run, TASKS).arg("--resume").output().unwrap());
    assert!(contents(&run) == contents(&whole), "they differ");
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(!page.contains("Unfinished") && page.contains("As files"));
}

/// A run that was killed before its first checkpoint has no rows.
#[test]
fn a_run_without_a_row_has_a_page() {
    let (place, run) = stopped();
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::copy(run.join("experiment.toml"), empty.join("experiment.toml")).unwrap();
    for name in ["tasks.part.csv", "probes.part.csv", "indicators.part.csv"] {
        fs::write(empty.join(name), "").unwrap();
    }
    let both = place.path().join("both");
    let report = |directories: &[&Path], out: &Path| {
        let mut command = program();
        command
            .arg("report")
            .args(directories)
            .arg("--out")
            .arg(out);
        succeeded(&command.output().unwrap());
        fs::read_to_string(out.join("report.html")).unwrap()
    };
    let page = report(&[&empty], &empty);
    assert!(
        page.contains(&format!("Unfinished: task 0 of {TASKS}.")),
        "{page}"
    );
    assert!(page.contains("No task is finished yet."));
    let page = report(&[&run, &empty], &both);
    assert!(page.contains(&format!("empty is unfinished: task 0 of {TASKS}.")));
    assert!(page.contains("stopped is unfinished: task "));
}

#[test]
fn a_page_of_several_runs_has_a_directory_of_its_own() {
    let (place, run) = stopped();
    let other = place.path().join("runs/other");
    fs::create_dir_all(&other).unwrap();
    for (name, bytes) in contents(&run) {
        fs::write(other.join(name), bytes).unwrap();
    }
    let mut command = program();
    command.current_dir(place.path());
    let output = command.args(["report", "stopped", "runs/other"]).output();
    let output = output.unwrap();
    succeeded(&output);
    let last = stderr(&output).lines().last().map(str::to_owned);
    assert_eq!(last.as_deref(), Some("reports/stopped-other/report.html"));
    let names: Vec<_> = contents(place.path()).into_keys().collect();
    assert_eq!(names, ["reports", "runs", "stopped"]);
    let written = contents(&place.path().join("reports/stopped-other"));
    for name in ["report.html", "report-scores.csv", "report-accuracies.svg"] {
        assert!(written.contains_key(name), "{name}: {:?}", written.keys());
    }
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

/// A pipe waits for ever, a device does not end, and a name can point outside the directory.
#[test]
fn files_and_names_that_cannot_be_are_refused_before_anything_is_made() {
    let place = tempfile::tempdir().unwrap();
    let preset = trainable(&["presets", "smoke"]);
    let preset = String::from_utf8(preset.stdout).unwrap();
    let file = place.path().join("mine.toml");
    let run = |file: &Path| {
        let mut command = program();
        command.current_dir(place.path()).arg("run").arg(file);
        command.args(["--backend", "cpu"]).output().unwrap()
    };
    for (name, mention) in [
        ("..", "without slashes and control characters, found \"..\""),
        ("a\\u0000b", "found \"a\\0b\""),
        (&"x".repeat(300), "of 1 to 200 bytes"),
    ] {
        let named = format!("name = \"{name}\"");
        fs::write(&file, preset.replace("name = \"smoke\"", &named)).unwrap();
        refused(&run(&file), 2, mention);
    }
    let arm = "name = \"\\u001b[2J\"";
    fs::write(&file, preset.replace("name = \"L2: constant\"", arm)).unwrap();
    let output = run(&file);
    refused(&output, 2, "name of an arm: wanted ");
    assert!(!stderr(&output).contains('\u{1b}'), "{}", stderr(&output));

    let pipe = place.path().join("pipe.toml");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    for device in [&pipe, Path::new("/dev/zero")] {
        refused(
            &run(device),
            2,
            "wanted a regular file, found a pipe, a device or the like",
        );
    }
    refused(
        &run(place.path()),
        2,
        "wanted a regular file, found a directory",
    );
    File::create(&file).unwrap().set_len((1 << 24) + 1).unwrap();
    refused(
        &run(&file),
        2,
        "wanted 16777216 bytes at most, found 16777217",
    );
    fs::write(&file, b"name = \"\xff\"").unwrap();
    refused(
        &run(&file),
        2,
        "wanted UTF-8, found an invalid byte after 8 bytes",
    );
    fs::remove_file(pipe).unwrap();
    let left = contents(place.path()).into_keys();
    assert_eq!(left.collect::<Vec<_>>(), ["mine.toml"]);
}

/// The program's exit codes are 0, 1, 2 and 130; [`stopped`] tests the last one.
#[test]
fn exit_codes_say_whose_fault_it_was() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let output = smoke(&out, 1).output().unwrap();
    succeeded(&output);
    let last = stderr(&output).lines().last().map(str::to_owned);
    let page = out.join("report.html");
    assert_eq!(last.as_deref(), page.to_str());
    let again = smoke(&out, 1).arg("--resume").output().unwrap();
    succeeded(&again);
    assert_eq!(stderr(&again).lines().last(), page.to_str());

    refused(&smoke(&out, 1).output().unwrap(), 2, "holds a run already");
    refused(&trainable(&["run", "--presets", "smoke"]), 2, "--preset");
    let nowhere = place.path().join("nowhere");
    let output = program().arg("report").args([&nowhere, &out]).output();
    refused(&output.unwrap(), 2, "nowhere/experiment.toml: wanted");
    let output = program().arg("report").arg(&nowhere).output().unwrap();
    refused(&output, 2, "nowhere/experiment.toml: wanted");
    assert!(!nowhere.exists() && !Path::new("reports").exists());
    let file = place.path().join("file");
    fs::write(&file, "kept").unwrap();
    let below = smoke(&file.join("out"), 1).output().unwrap();
    refused(&below, 1, "cannot write ");
    let metal = trainable(&["run", "--preset", "smoke", "--backend", "metal"]);
    if cfg!(target_os = "linux") {
        refused(&metal, 1, "no Metal adapter found");
    }
    let mut kept = String::new();
    File::open(&file)
        .unwrap()
        .read_to_string(&mut kept)
        .unwrap();
    assert_eq!(kept, "kept");
}
