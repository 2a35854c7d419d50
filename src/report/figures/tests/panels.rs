//! The pictures of accuracies, bounds and step sizes draw the numbers of their rows.

use super::*;

/// Formats a number as the SVG does: with two decimals, without zeros at the end.
fn pixels(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0)
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
