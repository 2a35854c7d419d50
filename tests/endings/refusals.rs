//! Requests that are refused before anything is trained or written, and exit codes.

use crate::{contents, program, refused, smoke, stderr, stopped, succeeded, trainable};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

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
