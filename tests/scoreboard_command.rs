//! The command `trainable scoreboard` as users call it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use trainable::experiment::Experiment;
use trainable::record::{ConfigurationRow, HeldOutRow, ScoreboardRow, TaskRow, read_table};

/// Two settings and two methods of two configurations each. A step size of 1e-9 trains nothing.
const BOARD: &str = "
    name = 'tiny'
    tuning_seeds = [1, 2]
    held_out_seeds = [3, 4, 5]
    settings = [
        { name = 'Plain', experiment = { images = 64, batch = 16, epochs = 8, tasks = 2, interval = 1000, figures = [] }, arm = { hidden = [16] } },
        { name = 'L2', experiment = { images = 64, batch = 16, epochs = 8, tasks = 1, interval = 1000, figures = [] }, arm = { hidden = [16], l2 = 1e-3 } },
    ]
    methods = [
        { name = 'too small', grid = { step_size = [1e-9, 1e-8] } },
        { name = 'beta2', arm = { interventions = [{ weight-clipping = { kappa = 100.0 } }] }, grid = { step_size = [1e-9, 3e-3], 'optimiser.adam.beta2' = [0.9] } },
    ]";

fn scoreboard(file: &Path, out: &Path) -> Output {
    scoreboard_with(&[], file, out)
}

fn scoreboard_with(arguments: &[&str], file: &Path, out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainable"))
        .arg("scoreboard")
        .arg(file)
        .args(["--backend", "cpu", "--progress", "quiet", "--out"])
        .arg(out)
        .args(arguments)
        .output()
        .unwrap()
}

/// Returns the text on standard error of a command that succeeds.
fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    said(output)
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn experiment(directory: &Path) -> Experiment {
    let text = fs::read_to_string(directory.join("experiment.toml")).unwrap();
    text.parse().unwrap()
}

/// The mean online accuracy of each seed, by the rows of tasks.csv.
fn seed_means(directory: &Path) -> BTreeMap<(String, u32), f64> {
    let rows: Vec<TaskRow> = read_table(&directory.join("tasks.csv")).unwrap();
    let mut runs: BTreeMap<_, Vec<f64>> = BTreeMap::new();
    for row in rows {
        let run = runs.entry((row.arm, row.seed)).or_default();
        run.push(row.online_accuracy);
    }
    let mean = |run: Vec<f64>| run.iter().sum::<f64>() / run.len() as f64;
    { runs.into_iter() }
        .map(|(name, run)| (name, mean(run)))
        .collect()
}

#[test]
fn each_method_is_tuned_and_its_best_configuration_trained_on_other_seeds() {
    let place = tempfile::tempdir().unwrap();
    let (file, out) = (place.path().join("board.toml"), place.path().join("out"));
    fs::write(&file, BOARD).unwrap();
    let output = scoreboard(&file, &out);
    assert!(output.status.success(), "{}", said(&output));
    let printed = String::from_utf8(output.stdout).unwrap();

    let ranks: Vec<ScoreboardRow> = read_table(&out.join("scoreboard.csv")).unwrap();
    let configurations: Vec<ConfigurationRow> =
        read_table(&out.join("configurations.csv")).unwrap();
    let held_out: Vec<HeldOutRow> = read_table(&out.join("held_out.csv")).unwrap();
    assert_eq!(
        (ranks.len(), configurations.len(), held_out.len()),
        (4, 8, 12)
    );

    let page = fs::read_to_string(out.join("report.html")).unwrap();
    for (setting, tasks) in [("plain", 2), ("l2", 1)] {
        let beta2 = out.join(setting).join("beta2");
        let (tuning, best) = (
            experiment(&beta2.join("tuning")),
            experiment(&beta2.join("held-out")),
        );
        assert_eq!(
            (&tuning.seeds[..], tuning.arms.len(), tuning.tasks),
            (&[1, 2][..], 2, tasks)
        );
        assert_eq!(
            (&best.seeds[..], best.arms.len(), best.tasks),
            (&[3, 4, 5][..], 1, tasks)
        );
        // The configuration that trains wins the tuning, by the rows of the tasks.
        assert_eq!(best.arms[0].name, "beta2: beta2 0.9, step_size 0.003");
        let means = seed_means(&beta2.join("tuning"));
        let of = |arm: usize| {
            let own = means
                .iter()
                .filter(|((name, _), _)| *name == tuning.arms[arm].name);
            own.map(|(_, mean)| mean).sum::<f64>() / 2.0
        };
        assert!(of(1) > of(0) + 0.05, "{means:?}");
        assert!(out.join(setting).join("report.html").exists());
        let link = format!("href=\"{setting}/report.html\"");
        assert!(page.contains(&link), "no {link} in {page}");
    }
    for name in ["Plain", "L2"] {
        let own: Vec<_> = ranks.iter().filter(|row| row.setting == name).collect();
        assert_eq!((&own[0].method[..], own[0].rank), ("beta2", 1));
        assert_eq!((&own[1].method[..], own[1].rank), ("too small", 2));
        assert_eq!((own[0].seeds, own[0].diverged), (3, 0));
        // Seven dispatches of a step with two layers, one at the end of each task of 32 steps, and one that clips weights.
        let (plain, clipped) = (7.0 + 1.0 / 32.0, 8.0 + 1.0 / 32.0);
        let dispatches = |row: &ScoreboardRow| (row.dispatches, row.dispatches_ratio);
        assert_eq!(dispatches(own[1]), (Some(plain), Some(1.0)));
        assert_eq!(dispatches(own[0]), (Some(clipped), Some(clipped / plain)));
        // The table's numbers are those of the runs.
        let directory = out.join(name.to_lowercase());
        let first = seed_means(&directory.join("beta2/held-out"));
        let second = seed_means(&directory.join("too-small/held-out"));
        let behind = first.values().zip(second.values()).map(|(a, b)| a - b);
        let behind = behind.sum::<f64>() / 3.0;
        assert!((own[1].behind.unwrap() - behind).abs() < 1e-12);
        let rows = held_out
            .iter()
            .filter(|row| row.setting == name && row.method == "beta2");
        let rows: Vec<_> = rows.map(|row| (row.seed, row.mean.unwrap())).collect();
        let wanted: Vec<_> = first
            .iter()
            .map(|((_, seed), mean)| (*seed, *mean))
            .collect();
        assert_eq!(rows, wanted);
        assert!(printed.contains(name), "{printed}");
    }

    // The same command again trains nothing that is finished, and one part that is lost.
    let whole = fs::read(out.join("scoreboard.csv")).unwrap();
    let lost = out.join("plain/beta2/held-out");
    fs::remove_dir_all(&lost).unwrap();
    let kept = out.join("plain/beta2/tuning/tasks.csv");
    let before = fs::metadata(&kept).unwrap().modified().unwrap();
    let output = scoreboard(&file, &out);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(fs::read(out.join("scoreboard.csv")).unwrap(), whole);
    assert!(lost.join("tasks.csv").exists());
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);

    // Another file in the same directory is refused, and nothing is lost.
    fs::write(&file, BOARD.replace("epochs = 8", "epochs = 9")).unwrap();
    let output = scoreboard(&file, &out);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let error = said(&output);
    assert!(error.contains("plain/too-small/tuning"), "{error}");
    assert!(error.contains("epochs"), "{error}");
    assert_eq!(fs::read(out.join("scoreboard.csv")).unwrap(), whole);
}

/// A page of the table alone is the one that `scoreboard` writes, but for its name and for links to pages that are not there.
#[test]
fn a_page_is_written_of_a_table_without_its_runs() {
    let place = tempfile::tempdir().unwrap();
    let (file, out) = (place.path().join("board.toml"), place.path().join("out"));
    fs::write(&file, BOARD).unwrap();
    succeeded(&scoreboard(&file, &out));
    let alone = place.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(out.join("scoreboard.csv"), alone.join("scoreboard.csv")).unwrap();
    let report_with = |options: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_trainable"))
            .arg("report")
            .arg(&alone)
            .args(options)
            .output()
            .unwrap()
    };
    let report = || report_with(&[]);
    let refused = report_with(&["--tensorboard"]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("found a scoreboard"));
    succeeded(&report());
    let [whole, bare] =
        [&out, &alone].map(|of| fs::read_to_string(of.join("report.html")).unwrap());
    let links = ["plain", "l2"].map(|of| format!("<a href=\"{of}/report.html\">runs</a>"));
    let wanted = links
        .iter()
        .fold(whole.replace("tiny", "alone"), |page, link| {
            assert!(page.contains(link), "{link}");
            page.replace(link, "")
        });
    assert_eq!(bare, wanted);
    fs::write(alone.join("scoreboard.csv"), "setting,rank\nplain,first\n").unwrap();
    let error = report();
    assert_eq!(error.status.code(), Some(2), "{}", said(&error));
    assert!(said(&error).contains("scoreboard.csv"), "{}", said(&error));
    assert_eq!(fs::read_to_string(alone.join("report.html")).unwrap(), bare);
}

/// Runs the scripts as SLURM does, but in a plain shell.
#[cfg(unix)]
#[test]
fn a_clusters_jobs_do_what_the_scoreboard_does() {
    let place = tempfile::tempdir().unwrap();
    let (file, out) = (place.path().join("board.toml"), place.path().join("it's"));
    fs::write(&file, BOARD).unwrap();
    let slurm = || succeeded(&scoreboard_with(&["--slurm"], &file, &out));
    let job = |part: &str, index: usize| {
        let mut shell = Command::new("sh");
        shell
            .arg(out.join(format!("{part}.sbatch")))
            .current_dir("/")
            .env("SLURM_ARRAY_TASK_ID", index.to_string())
            .output()
            .unwrap()
    };
    let entries = ["plain/too-small", "plain/beta2", "l2/too-small", "l2/beta2"];
    for (part, next) in [
        ("tuning", "the same command writes held-out.sbatch"),
        ("held-out", "without --slurm writes the tables"),
    ] {
        let text = slurm();
        assert!(text.contains(&format!("{part}.sbatch\n")), "{text}");
        assert!(text.contains(next), "{text}");
        for (index, entry) in entries.iter().enumerate() {
            let cell = out.join(entry).join(part);
            assert!(cell.join("experiment.toml").exists());
            assert!(!cell.join("tasks.csv").exists(), "it trains nothing");
            // The script stays the one of this part until its last cell is finished.
            if index == 3 {
                let text = slurm();
                assert!(text.contains("3 of 4 cells are finished"), "{text}");
                assert!(text.contains(&format!("{part}.sbatch\n")), "{text}");
            }
            let output = job(part, index);
            succeeded(&output);
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(
                printed.starts_with(&format!("cell {entry}/{part}\n")),
                "{printed}"
            );
        }
        assert!(succeeded(&job(part, 1)).contains("finished already"));
        assert!(!job(part, 4).status.success(), "there is no such cell");
    }
    let text = slurm();
    assert!(text.contains("4 of 4 cells are finished"), "{text}");
    assert!(!text.contains("sbatch"), "{text}");
    assert!(!out.join("scoreboard.csv").exists());

    let tasks = out.join("plain/beta2/held-out/tasks.csv");
    let before = fs::metadata(&tasks).unwrap().modified().unwrap();
    succeeded(&scoreboard(&file, &out));
    assert_eq!(fs::metadata(&tasks).unwrap().modified().unwrap(), before);
    let alone = place.path().join("alone");
    succeeded(&scoreboard(&file, &alone));
    for table in ["scoreboard.csv", "configurations.csv", "held_out.csv"] {
        let read = |directory: &Path| fs::read(directory.join(table)).unwrap();
        assert_eq!(read(&out), read(&alone), "{table}");
    }
}

#[test]
fn a_faulty_file_is_refused_with_its_place() {
    let place = tempfile::tempdir().unwrap();
    let (file, out) = (place.path().join("board.toml"), place.path().join("out"));
    for (right, wrong, mentions) in [
        ("[3, 4, 5]", "[2, 3]", "found 2 in both lists"),
        (
            "step_size = [1e-9, 1e-8]",
            "step_size = [1e-9]",
            "as many configurations",
        ),
        ("l2 = 1e-3", "l4 = 1e-3", "unknown field `l4`"),
        (
            "l2 = 1e-3",
            "l2 = -1.0",
            "arm \"too small: step_size 1e-9\": l2: wanted",
        ),
        ("name = 'tiny'", "name = 'tiny", "TOML parse error"),
    ] {
        assert!(BOARD.contains(right), "{right}");
        fs::write(&file, BOARD.replacen(right, wrong, 1)).unwrap();
        let output = scoreboard(&file, &out);
        let error = said(&output);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(mentions), "no {mentions:?} in {error}");
        assert!(!out.exists());
    }
    let output = scoreboard(&place.path().join("none.toml"), &out);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("cannot read"), "{}", said(&output));
}
