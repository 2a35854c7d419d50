//! Figures refuse values that cannot be drawn, and name the curve and the place.

use super::*;

/// Returns the error for a picture that must be refused.
fn refusal(draw: Draw, tasks: &[TaskRow], probes: &[ProbeRow]) -> ReportError {
    let subject = &Subject::mnist();
    let rows = Rows {
        subject,
        tasks,
        probes,
    };
    draw(Path::new("figure"), rows).err().unwrap()
}

#[test]
fn what_is_not_finite_is_refused_with_curve_and_place() {
    let (tasks, probes) = rows(&ARMS[..2]);
    type Set = fn(&mut ProbeRow, f64);
    let set: [(Set, &str, Draw); 5] = [
        (
            |row, bad| row.effective_step = Some(bad),
            "effective step size",
            trajectories,
        ),
        (|row, bad| row.step_size = bad, "step size", trajectories),
        (
            |row, bad| row.bound_noise = Some(bad),
            "gradient-noise bound",
            diagnosis,
        ),
        (
            |row, bad| row.bound_volatility = Some(bad),
            "curvature-volatility bound",
            diagnosis,
        ),
        (
            |row, bad| row.bound_combined = Some(bad),
            "combined bound",
            layer_bounds,
        ),
    ];
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for (set, name, draw) in &set {
            let mut probes = probes.clone();
            set(&mut probes[4], bad);
            match refusal(*draw, &tasks, &probes) {
                ReportError::NotFinite { series, x, .. } => {
                    assert_eq!(series, format!("L2: none, Layer 2, {name}"));
                    assert_eq!(x, 200.0);
                }
                other => panic!("{other:?}"),
            }
        }
        for (draw, place) in [(diagnosis as Draw, 650.0), (accuracies, 2.0)] {
            let mut tasks = tasks.clone();
            tasks[1].online_accuracy = bad;
            match refusal(draw, &tasks, &probes) {
                ReportError::NotFinite { series, x, .. } => {
                    assert_eq!((&series[..], x), ("L2: none, online accuracy", place));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn no_rows_and_rows_that_come_twice_are_refused() {
    let reason = |draw, tasks: &[TaskRow], probes: &[ProbeRow]| match refusal(draw, tasks, probes) {
        ReportError::Chart { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    let (tasks, probes) = rows(&ARMS[..1]);
    for draw in OF_PROBES {
        assert_eq!(reason(draw, &[], &[]), "there is no point");
        assert_eq!(reason(draw, &tasks, &[]), "there is no point");
        let twice = [&tasks[..], &tasks[4..5]].concat();
        assert_eq!(
            reason(draw, &twice, &probes),
            r#"two rows of arm "L2: none", seed 2, task 2"#
        );
        let twice = [&probes[..], &probes[4..5]].concat();
        assert_eq!(
            reason(draw, &tasks, &twice),
            r#"two rows of arm "L2: none", seed 1, update 200, layer "2""#
        );
    }
    assert_eq!(reason(accuracies, &[], &[]), "there is no point");
}

#[test]
fn an_unwritable_directory_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let (tasks, _) = rows(&ARMS);
    let rows = Rows {
        subject: &Subject::mnist(),
        tasks: &tasks,
        probes: &[],
    };
    let base = directory.path().join("missing/figure");
    match accuracies(&base, rows).unwrap().write() {
        Err(ReportError::Write(WriteError { path, .. })) => {
            assert_eq!(path, directory.path().join("missing/figure.svg"));
        }
        other => panic!("{other:?}"),
    }
}
