//! Data of the user.

use crate::{edited, refused, text, trainable};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Writes 12 colour images of 2 x 2 pixels in 3 classes, in CIFAR's order of channels. Pixels are floats, so that rounding
/// to bytes loses nothing.
fn npz(directory: &Path, name: &str) -> String {
    let array = |kind: &str, shape: &str, elements: Vec<u8>| {
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        bytes.extend(elements);
        bytes
    };
    let pixels = (0..144_u32).flat_map(|i| ((i * 37 % 101) as f32).to_le_bytes());
    let labels = (0..12_u8).map(|i| i % 3);
    let path = directory.join(name);
    let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (file, bytes) in [
        (
            "images.npy",
            array("<f4", "(12, 3, 2, 2)", pixels.collect()),
        ),
        ("labels.npy", array("|u1", "(12,)", labels.collect())),
    ] {
        archive.start_file(file, options).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn data_of_ones_own_is_trained_on_named_and_remembered() {
    let directory = tempfile::tempdir().unwrap();
    let data = npz(directory.path(), "Tiny colours.npz");
    let file = edited(directory.path(), "name = \"smoke\"", "name = \"mine\"");
    let text_of = fs::read_to_string(&file).unwrap();
    let small = |line: &str| match line.split_once(" = ") {
        Some(("images", _)) => "images = 12".to_owned(),
        Some(("batch", _)) => "batch = 4".to_owned(),
        _ => line.to_owned(),
    };
    let lines: Vec<_> = text_of.lines().map(small).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let out = directory.path().join("out");
    let out = out.to_str().unwrap();
    let arguments = [
        "run",
        &file,
        "--tasks",
        "2",
        "--backend",
        "cpu",
        "--out",
        out,
    ];
    let with_data = [&arguments[..], &["--data", &data]].concat();
    let output = trainable(&with_data);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let read = |name: &str| fs::read_to_string(Path::new(out).join(name)).unwrap();
    let experiment = read("experiment.toml");
    assert!(
        experiment.contains("name = \"Tiny colours\""),
        "{experiment}"
    );
    assert!(experiment.contains("classes = 3"), "{experiment}");
    assert!(read("report.html").contains("random-label Tiny colours"));
    // The same command resumes the run. The run's own file names its data, and other data is refused.
    let output = trainable(&[&with_data[..], &["--resume"]].concat());
    assert!(text(&output.stderr).contains("finished already"));
    let mention = "is of another run: data: wanted none, found";
    refused(&[&arguments[..], &["--resume"]].concat(), 2, &[mention]);
    let own = format!("{out}/experiment.toml");
    let mention =
        "data: wanted Tiny colours (3 x 2 x 2 pixels, 3 classes), found MNIST (1 x 28 x 28";
    let elsewhere = format!("{out}2");
    refused(
        &["run", &own, "--backend", "cpu", "--out", &elsewhere],
        2,
        &[mention],
    );
    assert!(!Path::new(&elsewhere).exists());
}

/// The MNIST in the program is decompressed in memory.
#[test]
fn a_run_needs_no_temporary_directory() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let temporary = directory.path().join("temporary");
    for exists in [false, true] {
        if exists {
            fs::create_dir(&temporary).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
        command.args(["run", "--preset", "smoke", "--tasks", "1", "--seeds", "1"]);
        command.args(["--backend", "cpu", "--out"]).arg(&out);
        let output = command.env("TMPDIR", &temporary).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(temporary.exists(), exists);
        fs::remove_dir_all(&out).unwrap();
    }
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_data() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.npz");
    let path = path.to_str().unwrap();
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let wanted = ["kind of file: wanted a regular file, found a pipe"];
    refused(&["run", "--preset", "smoke", "--data", path], 2, &wanted);
}
