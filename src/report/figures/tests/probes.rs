//! The picture of probes: a row per layer, gaps, and notes.

use super::*;

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
