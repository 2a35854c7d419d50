//! Pages of runs that have not finished, or that failed.

use crate::{TASKS, contents, program, smoke, stderr, stopped, succeeded};
use std::fs::{self, File};
use std::path::Path;

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
