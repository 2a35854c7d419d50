//! Every picture draws the numbers of its rows, notes what is missing, and refuses what it cannot draw.

use std::fs;

use super::super::panels::groups;
use super::*;
use crate::files::WriteError;
use crate::record::fixtures::{probe_row, task_row};
use crate::record::{NETWORK, ProbeRow, TaskRow};

const ARMS: [&str; 4] = ["L2: none", "L2: combined", "L1: none", "L1: global"];

/// Returns rows of two seeds of each arm: three tasks of four probes, two layers and the network.
fn rows(arms: &[&str]) -> (Vec<TaskRow>, Vec<ProbeRow>) {
    let (mut tasks, mut probes) = (Vec::new(), Vec::new());
    for (arm, seed) in arms.iter().flat_map(|arm| [(arm, 1), (arm, 2)]) {
        for task in 1..=3 {
            let accuracy = 0.5 + 0.1 * f64::from(seed);
            tasks.push(task_row(arm, seed, task, accuracy));
            for update in (1..=4).map(|probe| 400 * (task - 1) + 100 * probe) {
                probes.extend(["1", "2", NETWORK].map(|layer| ProbeRow {
                    task,
                    bound_volatility: Some(3.0),
                    bound_combined: Some(1.0),
                    violation: Some(false),
                    ..probe_row(arm, seed, update, layer)
                }));
            }
        }
    }
    (tasks, probes)
}

type Draw = fn(&Path, Rows) -> Result<Drawing, ReportError>;

/// The pictures that show accuracies and probes.
const OF_PROBES: [Draw; 3] = [diagnosis, layer_bounds, trajectories];

/// Writes a picture's files, the SVG and the PNG, and returns the text of the SVG.
fn svg_of(draw: Draw, tasks: &[TaskRow], probes: &[ProbeRow]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let subject = &Subject::mnist();
    let rows = Rows {
        subject,
        tasks,
        probes,
    };
    let drawing = draw(&directory.path().join("figure"), rows).unwrap();
    drawing.write().unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    let svg = fs::read_to_string(directory.path().join("figure.svg")).unwrap();
    assert_eq!(svg, drawing.svg());
    assert!(!svg.contains("NaN") && !svg.contains(" inf "), "{svg}");
    let png = fs::read(directory.path().join("figure.png")).unwrap();
    assert_eq!(png[12..16], *b"IHDR");
    svg
}

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

/// Formats a number as the SVG does: with two decimals, without zeros at the end.
fn pixels(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
}

fn assert_says(svg: &str, words: &[(&str, usize)]) {
    for (word, times) in words {
        let count = svg.matches(&format!(">{word}<")).count();
        assert_eq!(count, *times, "{word}: {svg}");
    }
}

/// Returns the panels of the diagnosis of one arm: accuracy, layers, network.
fn diagnosis_of(tasks: &[TaskRow], probes: &[ProbeRow]) -> Grid {
    let quantities = [
        (&NOISE, NOISE_STYLE),
        (&EFFECTIVE_STEP, EFFECTIVE_STEP_STYLE),
    ];
    let rows = Rows {
        subject: &Subject::mnist(),
        tasks,
        probes,
    };
    bounds_grid(rows, "", &quantities, &layers(probes)).unwrap()
}

#[test]
fn a_diagnosis_has_a_column_per_arm_and_a_row_per_layer() {
    let (tasks, probes) = rows(&ARMS);
    let svg = svg_of(diagnosis, &tasks, &probes);
    assert!(svg.contains(r#"width="1500""#), "{svg}");
    assert_eq!(svg.matches("translate(").count(), 3 + 4 * 4);
    assert_says(&svg, &ARMS.map(|arm| (arm, 1)));
    assert_says(
        &svg,
        &[
            ("Online accuracy", 4),
            ("Layer 1: log axis", 4),
            ("Layer 2: log axis", 4),
            ("Network: log axis", 4),
            ("Parameter updates done", 4),
            ("Effective step size", 1),
            ("Gradient-noise bound", 1),
            ("Curvature-volatility bound", 1),
            ("Combined bound", 1),
            ("Most seeds violate the combined bound", 1),
            ("Chance (1 in 10)", 1),
        ],
    );
    assert!(!svg.contains("Gaps") && !svg.contains("early") && !svg.contains("Not drawn"));
}

#[test]
fn layer_bounds_have_neither_the_network_nor_the_other_bounds() {
    let (tasks, probes) = rows(&ARMS[..1]);
    let svg = svg_of(layer_bounds, &tasks, &probes);
    assert!(svg.contains(r#"width="900""#), "{svg}");
    assert_says(
        &svg,
        &[
            ("Layer 2: log axis", 1),
            ("Network: log axis", 0),
            ("Combined bound", 1),
            ("Gradient-noise bound", 0),
            ("Curvature-volatility bound", 0),
        ],
    );
}

#[test]
fn trajectories_have_a_column_per_group_and_two_rows_per_layer() {
    let (tasks, probes) = rows(&ARMS);
    let svg = svg_of(trajectories, &tasks, &probes);
    assert_eq!(svg.matches("translate(").count(), 3 + 2 * 5);
    assert_says(
        &svg,
        &[
            ("L2", 1),
            ("L1", 1),
            ("none", 1),
            ("combined", 1),
            ("global", 1),
            ("Online accuracy", 2),
            ("Layer 1, step size: log axis", 2),
            ("Layer 2, effective step size: log axis", 2),
        ],
    );
    assert!(!svg.contains("Network"));
}

#[test]
fn accuracies_have_a_panel_per_group() {
    let (tasks, _) = rows(&["plain", ARMS[0], "other", ARMS[1]]);
    let svg = svg_of(accuracies, &tasks, &[]);
    assert_eq!(svg.matches("translate(").count(), 3 + 2);
    assert_says(
        &svg,
        &[
            ("L2", 1),
            ("plain", 1),
            ("other", 1),
            ("none", 1),
            ("combined", 1),
            ("Task", 2),
        ],
    );
}

#[test]
fn a_variant_looks_the_same_in_all_groups() {
    let groups = groups(&ARMS);
    let looks: Vec<Vec<_>> = groups
        .iter()
        .map(|group| group.arms.iter().map(|(_, style)| style.colour).collect())
        .collect();
    assert_eq!(looks[0][0], looks[1][0]);
    assert_ne!(looks[0][1], looks[1][1]);
    assert_ne!(looks[0][0], looks[0][1]);
}

#[test]
fn an_accuracy_stands_in_the_middle_of_its_tasks_probes() {
    let (tasks, probes) = rows(&ARMS[..1]);
    let grid = diagnosis_of(&tasks, &probes);
    let points = &grid.panels[0].curves[0].runs[0];
    let places: Vec<_> = points.iter().map(|point| point.x).collect();
    assert_eq!(places, [250.0, 650.0, 1050.0]);
    assert_eq!((points[0].low, points[0].high), (0.6, 0.7));
    assert!((points[0].mean - 0.65).abs() < 1e-15);
    assert_eq!(grid.columns[0].switches, [500, 900]);
    // The panel begins at 68 pixels, and 798 pixels are 1.04 times 1100 updates. The headings take 28 and 19.5 pixels, and
    // 122 pixels are 1.04 in accuracy.
    let svg = svg_of(diagnosis, &tasks, &probes);
    let x = 68.0 + 798.0 * (250.0 - 100.0 + 22.0) / 1144.0;
    let y = 28.0 + 19.5 + 122.0 * (1.02 - 0.65) / 1.04;
    let place = format!(r#"cx="{}" cy="{}""#, pixels(x), pixels(y));
    assert!(svg.contains(&place), "{place}: {svg}");
}

#[test]
fn a_task_without_probes_is_left_out_and_counted() {
    let (tasks, mut probes) = rows(&ARMS[..2]);
    probes.retain(|row| row.arm != ARMS[0] || row.task != 2);
    let grid = diagnosis_of(&tasks, &probes);
    let lengths = |column: usize| -> Vec<_> {
        let curve = &grid.panels[column].curves[0];
        curve.runs.iter().map(Vec::len).collect()
    };
    assert_eq!((lengths(0), lengths(1)), (vec![1, 1], vec![3]));
    assert_eq!(
        grid.notes[1..],
        ["Not drawn: accuracies of tasks without a probe, 1 in L2: none."]
    );
    probes.retain(|row| row.arm != ARMS[0]);
    for draw in OF_PROBES {
        let svg = svg_of(draw, &tasks, &probes);
        assert!(svg.contains("Not drawn: accuracies of tasks without a probe, 3 in L2: none."));
    }
    let svg = svg_of(diagnosis, &tasks, &probes);
    assert_says(
        &svg,
        &[("Online accuracy: no value", 1), ("Layer 1: no value", 1)],
    );
}

#[test]
fn steps_and_bounds_are_medians() {
    let (_, mut probes) = rows(&ARMS[..1]);
    let third = probes.iter().filter(|row| row.seed == 1).cloned();
    let third: Vec<_> = third.map(|row| ProbeRow { seed: 3, ..row }).collect();
    probes.extend(third);
    let steps = [0.25, 0.75, 100.0];
    for row in &mut probes {
        row.effective_step = Some(steps[row.seed as usize - 1]);
    }
    let grid = diagnosis_of(&[], &probes);
    let effective = &grid.panels[1].curves[1];
    assert_eq!(effective.quantity, "effective step size");
    assert_eq!(effective.runs[0].len(), 12);
    for point in &effective.runs[0] {
        assert_eq!([point.low, point.mean, point.high], [0.75; 3]);
    }
}

#[test]
fn a_violation_is_marked_where_more_than_half_of_the_seeds_have_one() {
    let (tasks, mut probes) = rows(&ARMS[..1]);
    let hit = |row: &ProbeRow, seed| (row.seed, row.update, &row.layer[..]) == (seed, 300, "2");
    for (seeds, marks) in [(vec![1], vec![]), (vec![1, 2], vec![300])] {
        for row in &mut probes {
            row.violation = Some(seeds.iter().any(|seed| hit(row, *seed)));
        }
        let grid = diagnosis_of(&tasks, &probes);
        assert_eq!(grid.panels[2].marks, marks);
        assert!(grid.panels[1].marks.is_empty() && grid.panels[3].marks.is_empty());
    }
    // The mark is a stroke on the bottom, and a square in the legend.
    for draw in [diagnosis, layer_bounds] {
        let svg = svg_of(draw, &tasks, &probes);
        assert_eq!(svg.matches("#b00020").count(), 2, "{svg}");
    }
}

#[test]
fn panels_of_a_row_share_their_axis() {
    let (tasks, mut probes) = rows(&ARMS);
    for row in probes.iter_mut().filter(|row| row.arm == ARMS[3]) {
        row.effective_step = Some(1e-3);
        row.step_size = 0.0;
    }
    let rows = Rows {
        subject: &Subject::mnist(),
        tasks: &tasks,
        probes: &probes,
    };
    let of_arms = diagnosis_of(&tasks, &probes);
    let of_groups = trajectories_grid(rows).unwrap();
    for (grid, row) in [(&of_arms, 1), (&of_groups, 1), (&of_groups, 2)] {
        let columns = grid.columns.len();
        let panels = &grid.panels[row * columns..(row + 1) * columns];
        for panel in panels {
            assert_eq!(panel.scale, panels[0].scale);
        }
    }
    assert_eq!(
        of_groups.panels[2].heading,
        "Layer 1, step size: symlog axis, linear to ±1e-5"
    );
    assert_eq!(
        of_groups.panels[4].heading,
        "Layer 1, effective step size: log axis"
    );
}

#[test]
fn a_bound_of_zero_is_drawn() {
    let (tasks, mut probes) = rows(&ARMS[..1]);
    probes[0].bound_combined = Some(0.0);
    probes[1].effective_step = Some(0.0);
    for draw in OF_PROBES {
        svg_of(draw, &tasks, &probes);
    }
}

#[test]
fn bounds_that_are_not_there_yet_are_counted() {
    let (tasks, mut probes) = rows(&ARMS[..1]);
    for row in &mut probes {
        row.bound_volatility = None;
        row.bound_combined = None;
        row.violation = None;
    }
    let svg = svg_of(diagnosis, &tasks, &probes);
    let note = "Gaps: missing values of curvature-volatility bound (72 in L2: none), of";
    assert!(svg.contains(note), "{svg}");
    assert_says(&svg, &[("Layer 1: log axis", 1)]);
    for row in &mut probes {
        row.bound_noise = None;
        row.effective_step = None;
    }
    let svg = svg_of(diagnosis, &tasks, &probes);
    assert_says(&svg, &[("Layer 1: no value", 1), ("Online accuracy", 1)]);
}

#[test]
fn a_seed_that_ends_early_is_named_and_the_others_go_on() {
    let (mut tasks, mut probes) = rows(&ARMS[..1]);
    tasks.retain(|row| row.seed == 1 || row.task <= 2);
    probes.retain(|row| row.seed == 1 || row.update <= 900);
    let note = "Seeds that end early: 1 of 2 in L2: none, after update 900; means and medians are over the rest.";
    let grid = diagnosis_of(&tasks, &probes);
    assert_eq!(grid.notes[1..], [note]);
    assert_eq!(grid.panels[0].curves[0].runs[0][2].mean, 0.6);
    assert_eq!(grid.panels[1].curves[1].runs[0].len(), 12);
    let accuracies = accuracies_grid(Rows {
        subject: &Subject::mnist(),
        tasks: &tasks,
        probes: &[],
    });
    assert_eq!(
        accuracies.unwrap().notes[1..],
        ["Seeds that end early: 1 of 2 in L2: none, after task 2; the mean is over the rest."]
    );
}

#[test]
fn one_task_of_one_seed_with_one_probe_is_drawn() {
    let tasks = [task_row("ReLU", 1, 1, 0.5)];
    let probes = [probe_row("ReLU", 1, 0, "1")];
    for draw in OF_PROBES {
        let svg = svg_of(draw, &tasks, &probes);
        assert_says(&svg, &[("Online accuracy", 1)]);
    }
    svg_of(accuracies, &tasks, &[]);
    let only_network = [probe_row("ReLU", 1, 0, NETWORK)];
    for draw in OF_PROBES {
        svg_of(draw, &[], &only_network);
    }
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

/// Returns rows of two arms and two seeds over four probes of two tasks.
fn sharp_rows() -> Vec<ProbeRow> {
    let mut rows = Vec::new();
    for (arm, sharpness) in [("ReLU", 10.0), ("CReLU", 40.0)] {
        for (seed, update) in [1, 2]
            .into_iter()
            .flat_map(|seed| (1..=4).map(move |k| (seed, k)))
        {
            rows.extend(["1", "2", NETWORK].map(|layer| ProbeRow {
                task: 1 + update / 3,
                sharpness: Some(sharpness * f64::from(seed)),
                ..probe_row(arm, seed, 100 * update, layer)
            }));
        }
    }
    rows
}

fn probes_of(probes: &[ProbeRow]) -> Grid {
    probes_grid(Rows {
        subject: &Subject::mnist(),
        tasks: &[],
        probes,
    })
    .unwrap()
}

/// Returns the notes of a picture of probes without the first one, which is always there.
fn notes_of(probes: &[ProbeRow]) -> Vec<String> {
    probes_of(probes).notes.split_off(1)
}

#[test]
fn a_picture_of_probes_has_a_row_per_layer_and_says_each_arm_once() {
    let rows = sharp_rows();
    let svg = svg_of(probe_chart, &[], &rows);
    assert_eq!(svg.matches("translate(").count(), 3 + 3 * 2);
    assert_says(
        &svg,
        &[
            ("Sharpness (loss per parameter²)", 1),
            ("Effective step size (parameter² per loss)", 1),
            ("Layer 1, sharpness: log axis", 1),
            ("Network, effective step size: log axis", 1),
            ("Parameter updates done", 2),
            ("ReLU", 1),
            ("CReLU", 1),
        ],
    );
    assert!(svg.contains(&Subject::mnist().title("Sharpness and effective step size")));
    assert!(notes_of(&rows).is_empty());
}

#[test]
fn every_second_task_has_a_grey_ground_in_each_panel() {
    let rows = sharp_rows();
    let grounds = |rows: &[ProbeRow]| {
        let svg = svg_of(probe_chart, &[], rows);
        svg.matches(r##"fill="#a6a6a6""##).count()
    };
    assert_eq!(grounds(&rows), 3 * 2);
    let first_task: Vec<_> = rows.into_iter().filter(|row| row.task == 1).collect();
    assert_eq!(grounds(&first_task), 0);
}

#[test]
fn a_missing_value_makes_a_gap_and_the_notes_count_it() {
    let mut rows = sharp_rows();
    for row in &mut rows {
        if (row.seed, row.update, &row.layer[..], &row.arm[..]) == (2, 200, "1", "CReLU") {
            (row.sharpness, row.converged) = (None, false);
        }
        if (row.seed, row.update) == (1, 100) {
            row.effective_step = None;
        }
    }
    assert_eq!(
        notes_of(&rows),
        [
            "Gaps: missing values of sharpness (1 in CReLU), of effective step size (3 in ReLU, 3 in CReLU)."
        ]
    );
    let panels = probes_of(&rows).panels;
    let lengths = |panel: usize, arm: usize| -> Vec<_> {
        let runs = panels[panel].curves[arm].runs.iter();
        runs.map(Vec::len).collect()
    };
    assert_eq!((lengths(0, 0), lengths(0, 1)), (vec![4], vec![1, 2]));
    assert_eq!((lengths(1, 1), lengths(2, 1)), (vec![3], vec![4]));
    assert!(svg_of(probe_chart, &[], &rows).contains("Gaps"));
}

#[test]
fn an_eigenvalue_that_did_not_converge_is_counted() {
    let mut rows = sharp_rows();
    rows[0].converged = false;
    assert_eq!(
        notes_of(&rows),
        ["Drawn though the iteration had not converged: 1 in ReLU."]
    );
}

#[test]
fn a_value_below_zero_or_none_at_all_changes_a_panels_heading() {
    let mut rows = sharp_rows();
    rows[0].sharpness = Some(-3.0);
    let headings = |rows: &[ProbeRow]| -> Vec<_> {
        let panels = probes_of(rows).panels.into_iter();
        panels.map(|panel| panel.heading).collect()
    };
    assert_eq!(
        headings(&rows)[..3],
        [
            "Layer 1, sharpness: symlog axis, linear to ±0.1",
            "Layer 1, effective step size: log axis",
            "Layer 2, sharpness: log axis",
        ]
    );
    for row in &mut rows {
        row.sharpness = None;
    }
    assert_eq!(headings(&rows)[0], "Layer 1, sharpness: no value");
    let svg = svg_of(probe_chart, &[], &rows);
    assert_eq!(svg.matches(": no value<").count(), 3);
}

#[test]
fn names_are_drawn_as_they_stand() {
    let svg = svg_of(
        probe_chart,
        &[],
        &[probe_row("a<b> & $x$ *y*\u{1}", 1, 100, "1")],
    );
    assert!(svg.contains(">a&lt;b&gt; &amp; $x$ *y*\u{fffd}<"), "{svg}");
}
