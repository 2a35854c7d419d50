//! Every picture draws the numbers of its rows, notes what is missing, and refuses what it cannot draw.
//!
//! - `panels`: the pictures of accuracies, bounds and step sizes.
//! - `probes`: the picture of probes.
//! - `missing`: gaps, and the notes that count them.
//! - `refusals`: rows that cannot be drawn.

mod missing;
mod panels;
mod probes;
mod refusals;

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
