//! The command `trainable sweep` as users call it.

#[path = "common/published.rs"]
mod published;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use trainable::experiment::Experiment;

/// Two arms, two seeds, one task.
const SMOKE: [&str; 8] = [
    "sweep",
    "--preset",
    "smoke",
    "--tasks",
    "1",
    "--progress",
    "quiet",
    "--vary",
];
const TABLES: [&str; 6] = [
    "tasks.csv",
    "probes.csv",
    "scores.csv",
    "differences.csv",
    "task_indicators.csv",
    "early_warning.csv",
];

fn command(arguments: &[&str], out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
    command.args(arguments).arg("--out").arg(out);
    command
}

fn on_cpu(arguments: &[&str], out: &Path) -> Output {
    let mut command = command(arguments, out);
    command.args(["--backend", "cpu"]).output().unwrap()
}

/// Runs `trainable sweep` on the smoke preset with the fields `varied`.
fn sweep(varied: &[&str], out: &Path) -> Output {
    on_cpu(&[&SMOKE, varied].concat(), out)
}

fn error(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns the text on standard error of a command that succeeds.
fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{}", error(&output));
    error(&output)
}

fn refused(output: &Output, mentions: &[&str]) {
    let error = error(output);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(output.stdout.is_empty());
    for mention in mentions {
        assert!(error.contains(mention), "no {mention:?} in {error}");
    }
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect()
}

fn tables(directory: &Path) -> Vec<String> {
    let read = |name: &&str| fs::read_to_string(directory.join(name)).unwrap();
    let tables: Vec<_> = TABLES.iter().map(read).collect();
    assert!(tables[0].lines().count() > 1, "no task was trained");
    tables
}

fn experiment(directory: &Path) -> Experiment {
    let text = fs::read_to_string(directory.join("experiment.toml")).unwrap();
    let version = concat!("# trainable ", env!("CARGO_PKG_VERSION"), "\n# revision ");
    assert!(text.starts_with(version), "{text}");
    toml::from_str(&text).unwrap()
}

fn place() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("it's 50% \"sweep\"");
    (place, out)
}

#[test]
fn each_cell_is_the_run_of_its_file_and_is_run_once() {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("sweep");
    let output = sweep(&["batch=32,64", "--vary", "arms.*.l2=0.0,0.5"], &out);
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    let said = succeeded(output);
    let cells: Vec<_> = [("0.0", 32), ("0.0", 64), ("0.5", 32), ("0.5", 64)]
        .map(|(l2, batch)| (l2, batch, format!("arms.all.l2={l2},batch={batch}")))
        .into();
    let names = cells.iter().map(|(.., name)| name.clone());
    let over_all = [
        "sweep.csv",
        "report.html",
        "report-scores.csv",
        "report-differences.csv",
        "report-accuracies.svg",
        "report-accuracies.png",
    ];
    let names = names.chain(over_all.map(str::to_owned));
    assert_eq!(names_in(&out), names.collect());
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<h1>smoke by l2, batch</h1>"), "{page}");
    for (l2, batch, name) in &cells {
        let address = name.replace('=', "%3D").replace(',', "%2C");
        let link = format!("<a href=\"{address}/report.html\">l2={l2}, batch={batch}</a>");
        assert!(page.contains(&link), "no {link} in {page}");
        assert!(out.join(name).join("report.html").is_file());
    }
    assert_eq!(said.lines().last(), out.join("report.html").to_str());

    let table = fs::read_to_string(out.join("sweep.csv")).unwrap();
    let mut lines: Vec<_> = table.lines().collect();
    let header = lines.remove(0);
    assert_eq!(lines.len(), 4 * 2);
    for (l2, batch, name) in &cells {
        let found = experiment(&out.join(name));
        assert_eq!(found.batch, *batch);
        assert_eq!(found.name, format!("smoke, {name}"));
        assert!(
            found
                .arms
                .iter()
                .all(|arm| arm.l2 == l2.parse::<f32>().unwrap())
        );
        let scores = fs::read_to_string(out.join(name).join("scores.csv")).unwrap();
        let mut scores = scores.lines();
        assert_eq!(
            header,
            format!("batch,arms.*.l2,{}", scores.next().unwrap())
        );
        for row in scores {
            let row = format!("{batch},{l2},{row}");
            assert!(lines.contains(&&row[..]), "no {row} in {table}");
        }
        assert!(
            printed.contains(&format!("{name} / L2: combined")),
            "{printed}"
        );
    }
    let weights: BTreeSet<_> = cells
        .iter()
        .map(|(.., name)| tables(&out.join(name)))
        .collect();
    assert_eq!(weights.len(), 4, "cells are not to have the same results");

    let last = out.join(&cells[3].2);
    let file = last.join("experiment.toml");
    let alone = place.path().join("alone");
    succeeded(on_cpu(&["run", file.to_str().unwrap()], &alone));
    assert_eq!(tables(&alone), tables(&last));

    // A page of some of the cells names them in the same way.
    let page = place.path().join("some.html");
    let mut report = Command::new(env!("CARGO_BIN_EXE_trainable"));
    report.arg("report").arg("--out").arg(&page);
    for (.., name) in &cells[..2] {
        report.arg(out.join(name));
    }
    succeeded(report.output().unwrap());
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<h1>smoke by batch</h1>"), "{page}");
    assert!(page.contains("<h3>batch=64</h3>"), "{page}");
    let picture = "some-arms.all.l2=0.0,batch=64-trajectories.svg";
    assert!(place.path().join(picture).is_file());

    // Finished cells need no adapter, so a backend that does not exist here is accepted.
    let elsewhere = if cfg!(windows) { "metal" } else { "dx12" };
    let modified = || {
        fs::metadata(last.join("tasks.csv"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = modified();
    let varied = [
        "batch=32,64",
        "--vary",
        "arms.*.l2=0.0,0.5",
        "--backend",
        elsewhere,
    ];
    let said = succeeded(
        command(&[&SMOKE, &varied[..]].concat(), &out)
            .output()
            .unwrap(),
    );
    assert!(said.contains("4 of 4 cells are finished already"), "{said}");
    assert_eq!(fs::read_to_string(out.join("sweep.csv")).unwrap(), table);
    // The other cells of the grid, in another order.
    let said = succeeded(sweep(&["arms.*.l2=0.25,0.50", "--vary", "batch=64"], &out));
    assert!(said.contains("1 of 2 cells are finished already"), "{said}");
    assert!(out.join("arms.all.l2=0.25,batch=64/tasks.csv").exists());
    assert_eq!(modified(), before);
    let table = fs::read_to_string(out.join("sweep.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 2 * 2);
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_is_written() {
    let (_place, out) = place();
    for (varied, mentions) in [
        (&["batch"][..], &["FIELD=VALUE,VALUE", "found no ="][..]),
        (&["bacth=16"], &["--vary bacth", "such as batch"]),
        (&["arms.2.l2=0.5"], &["wanted an index below 2, found 2"]),
        (&["batch="], &["wanted one value or more"]),
        (&["batch=16,16"], &["found 16 twice"]),
        (&["batch=16", "--vary", "batch=32"], &["found --vary batch"]),
        (
            &["arms.0.l2=0.5", "--vary", "arms.*.l2=0.5"],
            &["no other --vary sets"],
        ),
        (&["arms.*.activation=relu"], &["strings in quotes"]),
        (
            &["batch=32,'many'"],
            &["cell batch=\"many\" is not an experiment", "u32"],
        ),
        (
            &["batch=32,512"],
            &["cell batch=512: ", "images per task", "found 256"],
        ),
        (
            &["arms.*.name='same'"],
            &["cell arms.all.name=same: ", "of different names"],
        ),
        (
            &["arms.1.step_size=0.5,nan"],
            &["cell arms.1.step_size=NaN: ", "step size"],
        ),
    ] {
        for slurm in [&[][..], &["--slurm"]] {
            refused(&sweep(&[varied, slurm].concat(), &out), mentions);
            assert!(!out.exists(), "{varied:?}: a directory was made");
        }
    }
    let output = on_cpu(&["sweep", "--preset", "smoke"], &out);
    refused(&output, &["--vary <FIELD=VALUE,VALUE>"]);
}

#[test]
fn a_directory_of_another_experiment_is_refused() {
    let (_place, out) = place();
    succeeded(sweep(&["batch=64"], &out));
    let before = tables(&out.join("batch=64"));
    let output = sweep(&["batch=32,64", "--seeds", "1"], &out);
    refused(
        &output,
        &[
            "cell batch=64: ",
            "is of another run: seeds: wanted [1], found [1,2]",
        ],
    );
    assert_eq!(tables(&out.join("batch=64")), before);
    // Only its experiment is known of a cell that has not begun.
    let other = out.join("batch=32");
    fs::create_dir(&other).unwrap();
    let file = |directory: &Path| directory.join("experiment.toml");
    fs::copy(file(&out.join("batch=64")), file(&other)).unwrap();
    let output = sweep(&["batch=16,32"], &out);
    refused(&output, &["cell batch=32: ", "batch: wanted 32, found 64"]);
    assert!(!out.join("batch=16").exists());
    // The experiment's file is removed, but its checkpoint stays.
    fs::remove_dir_all(&other).unwrap();
    fs::remove_file(file(&out.join("batch=64"))).unwrap();
    let output = sweep(&["batch=64", "--seeds", "1"], &out);
    refused(&output, &["experiment.seeds: wanted [1], found [1,2]"]);
}

#[cfg(unix)]
#[test]
fn stopped_it_goes_on_with_the_cell_it_was_at() {
    let place = tempfile::tempdir().unwrap();
    let [stopped, whole] = ["stopped", "whole"].map(|name| place.path().join(name));
    let varied = ["batch=32,64", "--tasks", "12", "--checkpoint-seconds", "0"];
    let arguments = [&SMOKE[..3], &SMOKE[5..], &varied].concat();
    let mut command = command(&[&arguments[..], &["--backend", "cpu"]].concat(), &stopped);
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let first = stopped.join("batch=32");
    while !first.join("checkpoint.safetensors").exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", error(&output));
    assert!(error(&output).contains("the same command continues from there"));
    assert!(first.join("tasks.part.csv").exists() && !first.join("tasks.csv").exists());
    assert_eq!(
        names_in(&stopped.join("batch=64")),
        ["experiment.toml".to_owned()].into()
    );
    assert!(!stopped.join("sweep.csv").exists());

    // Another process holds a cell's lock.
    let lock = fs::File::open(first.join(".lock")).unwrap();
    lock.try_lock().unwrap();
    refused(
        &on_cpu(&arguments, &stopped),
        &["cell batch=32: ", "is in use by another run"],
    );
    drop(lock);

    succeeded(on_cpu(&arguments, &stopped));
    succeeded(on_cpu(&arguments, &whole));
    for cell in ["batch=32", "batch=64"] {
        assert_eq!(tables(&stopped.join(cell)), tables(&whole.join(cell)));
    }
    let table = |directory: &Path| fs::read(directory.join("sweep.csv")).unwrap();
    assert_eq!(table(&stopped), table(&whole));
}

/// Runs the script as SLURM does, but in a plain shell.
#[cfg(unix)]
#[test]
fn a_clusters_jobs_do_what_the_sweep_does() {
    let (place, out) = place();
    let varied = ["arms.*.hidden=[8],[8, 4]"];
    let mnist = published::directory(&trainable::data::embedded().unwrap());
    std::os::unix::fs::symlink(mnist.path(), place.path().join("its data")).unwrap();
    // The path is relative to this directory, which is not where the jobs run.
    let relative = Path::new(out.file_name().unwrap());
    let arguments = [&SMOKE, &varied[..], &["--slurm", "--data", "its data"]].concat();
    let mut command = command(&arguments, relative);
    command.args(["--backend", "cpu"]).current_dir(place.path());
    let said = succeeded(command.output().unwrap());
    assert!(said.contains("sbatch "), "{said}");
    let cells = ["arms.all.hidden=8", "arms.all.hidden=8x4"];
    for cell in cells {
        assert_eq!(
            names_in(&out.join(cell)),
            ["experiment.toml".to_owned()].into()
        );
    }
    let job = |index: usize| {
        let mut shell = Command::new("sh");
        shell.arg(out.join("sweep.sbatch")).current_dir("/");
        shell
            .env("SLURM_ARRAY_TASK_ID", index.to_string())
            .output()
            .unwrap()
    };
    for (index, cell) in cells.iter().enumerate() {
        let output = job(index);
        let printed = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(printed.starts_with(&format!("cell {cell}\n")), "{printed}");
        succeeded(output);
    }
    assert!(succeeded(job(1)).contains("finished already"));
    let output = job(2);
    assert!(!output.status.success(), "there is no such cell");

    let said = succeeded(sweep(&varied, &out));
    assert!(said.contains("2 of 2 cells are finished already"), "{said}");
    let alone = place.path().join("alone");
    succeeded(sweep(&varied, &alone));
    for cell in cells {
        assert_eq!(tables(&out.join(cell)), tables(&alone.join(cell)));
    }
    let table = |directory: &Path| fs::read(directory.join("sweep.csv")).unwrap();
    assert_eq!(table(&out), table(&alone));
}
