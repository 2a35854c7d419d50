//! Missing values leave gaps in curves, and the notes count them.

use super::*;

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
