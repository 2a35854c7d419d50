//! The picture of the probes: a row of panels per layer, sharpness on the left, the effective step size on the right.

use std::path::Path;

use super::ReportError;
use super::captions::{end_note, heading, missing_note, per_arm, place};
use super::curves::mean_curve;
use super::grid::{
    Column, Curve, Grid, Key, PANEL_HEIGHT, Panel, Style, draw_grid, values, x_ticks,
};
use super::plots::{Axis, Drawing};
use super::rows::{arms, check_distinct, last_updates, layers, task_switches};
use super::scale::Scale;
use super::subject::Subject;
use crate::record::ProbeRow;

const TITLE: &str = "Sharpness and effective step size";
const CAPTION: &str = "Line: plain mean over seeds; band: lowest to highest. Vertical lines: first probe of a new \
                       task.";

/// A column of panels.
struct Quantity {
    heading: &'static str,
    name: &'static str,
    value: fn(&ProbeRow) -> Option<f64>,
}

const QUANTITIES: [Quantity; 2] = [
    Quantity {
        heading: "Sharpness (loss per parameter²)",
        name: "sharpness",
        value: |row| row.sharpness,
    },
    Quantity {
        heading: "Effective step size (parameter² per loss)",
        name: "effective step size",
        value: |row| row.effective_step,
    },
];

/// Draws sharpness and effective step size against the update to `BASE.svg` and `BASE.png` (900 pixels wide, twice as
/// many in the PNG), each whole or absent: a row of panels per layer and one for the network, a curve per arm, in
/// order of first appearance, which decides its colour and marker as in [`super::write_chart`].
///
/// A curve is the plain mean over the arm's seeds, its band goes from the lowest to the highest. Where one replica's
/// value is missing there is a gap; after a replica's last probe the other seeds go on alone; the caption says so when
/// either is, and counts iterations that did not converge, whose values are drawn all the same. A panel's axis is
/// logarithmic if all of it is positive, and otherwise symmetric: linear around zero, logarithmic beyond; its heading
/// says which. A new task's first probe has a vertical line.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite; nothing is written then.
/// - [`ReportError::Chart`] when there is no row, when a layer has two rows of one probe or when no PNG can be made;
///   nothing is written either.
/// - [`ReportError::Write`] when the file system refuses.
pub(super) fn write_probe_chart(
    base: &Path,
    subject: &Subject,
    rows: &[ProbeRow],
) -> Result<(), ReportError> {
    probe_chart(base, subject, rows)?.write()
}

/// The picture of [`write_probe_chart`].
pub(super) fn probe_chart(
    base: &Path,
    subject: &Subject,
    rows: &[ProbeRow],
) -> Result<Drawing, ReportError> {
    check_distinct(base, rows)?;
    let grid = grid(subject, rows).map_err(|reason| ReportError::Chart {
        path: base.to_owned(),
        reason,
    })?;
    draw_grid(base, &grid)
}

fn grid(subject: &Subject, rows: &[ProbeRow]) -> Result<Grid, String> {
    let panels = panels(rows);
    let places = rows.iter().map(|row| f64::from(row.update));
    let x = Axis::of_places(places, x_ticks(QUANTITIES.len()))?;
    let column = |quantity: &Quantity| Column {
        heading: quantity.heading.to_owned(),
        x: x.clone(),
        switches: task_switches(rows),
    };
    let arms = arms(rows).into_iter().enumerate();
    Ok(Grid {
        title: subject.title(TITLE),
        notes: caption(rows, &panels),
        legend: arms
            .map(|(i, arm)| (Key::Line(Style::of_arm(i)), arm.to_owned()))
            .collect(),
        x_label: "Parameter updates done",
        panel_height: PANEL_HEIGHT,
        columns: QUANTITIES.iter().map(column).collect(),
        panels,
    })
}

/// Row by row.
fn panels(rows: &[ProbeRow]) -> Vec<Panel> {
    let panels = layers(rows).into_iter().flat_map(|layer| {
        QUANTITIES
            .iter()
            .map(move |quantity| panel(rows, layer, quantity))
    });
    panels.collect()
}

/// One quantity of one layer: a curve per arm.
fn panel(rows: &[ProbeRow], layer: &str, quantity: &Quantity) -> Panel {
    let place = place(layer);
    let curve = |(i, arm): (usize, &str)| {
        let curve = mean_curve(rows, arm, layer, quantity.value);
        Curve {
            arm: arm.to_owned(),
            place: place.clone(),
            quantity: quantity.name,
            style: Style::of_arm(i),
            runs: curve.runs,
            missing: curve.missing,
        }
    };
    let curves: Vec<_> = arms(rows).into_iter().enumerate().map(curve).collect();
    let scale = Scale::of(values(&curves));
    let span = scale.span(values(&curves));
    Panel {
        heading: heading(&place, scale, &curves),
        scale,
        span,
        reference: None,
        curves,
        marks: Vec::new(),
    }
}

/// What is drawn, and all that is missing from it.
fn caption(rows: &[ProbeRow], panels: &[Panel]) -> Vec<String> {
    let ends: Vec<_> = arms(rows)
        .into_iter()
        .map(|arm| (arm, last_updates(rows, arm)))
        .collect();
    let notes = [
        Some(CAPTION.to_owned()),
        missing_note(panels.iter().flat_map(|panel| &panel.curves)),
        end_note(&ends, "update", "the mean is"),
        unconverged_note(rows),
    ];
    notes.into_iter().flatten().collect()
}

fn unconverged_note(rows: &[ProbeRow]) -> Option<String> {
    let is_bare = |row: &ProbeRow| row.sharpness.is_some() && !row.converged;
    let counts = rows
        .iter()
        .map(|row| (&row.arm[..], usize::from(is_bare(row))));
    let per_arm = per_arm(counts)?;
    Some(format!(
        "Drawn though the iteration had not converged: {per_arm}."
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::grid::SWITCH;
    use super::*;
    use crate::record::NETWORK;
    use crate::record::fixtures::probe_row as row;

    /// Two seeds of two arms, four probes of two tasks, two layers and the network.
    fn rows() -> Vec<ProbeRow> {
        let mut rows = Vec::new();
        for (arm, sharpness) in [("ReLU", 10.0), ("CReLU", 40.0)] {
            for seed in [1, 2] {
                for update in [100, 200, 300, 400] {
                    for layer in ["1", "2", NETWORK] {
                        rows.push(ProbeRow {
                            task: 1 + update / 300,
                            sharpness: Some(sharpness * f64::from(seed)),
                            ..row(arm, seed, update, layer)
                        });
                    }
                }
            }
        }
        rows
    }

    fn svg_of(rows: &[ProbeRow]) -> String {
        let directory = tempfile::tempdir().unwrap();
        write_probe_chart(&directory.path().join("probes"), &Subject::mnist(), rows).unwrap();
        fs::read_to_string(directory.path().join("probes.svg")).unwrap()
    }

    /// The error of a picture that must be refused, and leave no file.
    fn refusal(rows: &[ProbeRow]) -> ReportError {
        let directory = tempfile::tempdir().unwrap();
        let error = write_probe_chart(&directory.path().join("probes"), &Subject::mnist(), rows)
            .unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error
    }

    /// What the caption says besides [`CAPTION`].
    fn notes_of(rows: &[ProbeRow]) -> Vec<String> {
        let mut notes = caption(rows, &panels(rows));
        assert_eq!(notes.remove(0), CAPTION);
        notes
    }

    #[test]
    fn a_picture_is_an_svg_and_a_png_with_a_row_for_each_layer() {
        let directory = tempfile::tempdir().unwrap();
        write_probe_chart(&directory.path().join("probes"), &Subject::mnist(), &rows()).unwrap();
        let svg = fs::read_to_string(directory.path().join("probes.svg")).unwrap();
        let png = fs::read(directory.path().join("probes.png")).unwrap();
        assert!(svg.contains(r#"width="900""#));
        assert_eq!(png[16..20], 1800_u32.to_be_bytes());
        assert_eq!(svg.matches("translate(").count(), 3 * 2);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_picture_says_all_its_words_and_each_arm_once() {
        let svg = svg_of(&rows());
        for (word, times) in [
            (&Subject::mnist().title(TITLE)[..], 1),
            ("Sharpness (loss per parameter²)", 1),
            ("Effective step size (parameter² per loss)", 1),
            ("Layer 1: log axis", 2),
            ("Layer 2: log axis", 2),
            ("Network: log axis", 2),
            ("Parameter updates done", 2),
            ("ReLU", 1),
            ("CReLU", 1),
        ] {
            assert_eq!(
                svg.matches(&format!(">{word}<")).count(),
                times,
                "{word}: {svg}"
            );
        }
    }

    #[test]
    fn names_are_drawn_as_they_stand() {
        let svg = svg_of(&[row("a<b> & $x$\u{1}", 1, 100, "1")]);
        assert!(svg.contains(">a&lt;b&gt; &amp; $x$\u{fffd}<"), "{svg}");
    }

    #[test]
    fn points_are_drawn_where_they_belong() {
        // 1 to 100, so 0 to 2 on the scale; the panel's axes are 28 to 152 pixels from its top and show -0.04 to 2.04.
        let sharpness = |update, sharpness| ProbeRow {
            sharpness: Some(sharpness),
            ..row("ReLU", 1, update, "1")
        };
        let rows = [
            sharpness(0, 1.0),
            sharpness(100, 10.0),
            sharpness(200, 100.0),
        ];
        let svg = svg_of(&rows);
        // The middle, and 124 / 2.08 = 59.615 above and below it.
        for place in ["90", "30.38", "149.62"] {
            assert!(svg.contains(&format!(r#"cy="{place}""#)), "{place}: {svg}");
        }
        // And the numbers beside it: 0.35 of their size lower.
        for (place, number) in [("94.55", "10"), ("34.93", "100"), ("154.17", "1")] {
            let found = svg.split("<text").any(|text| {
                text.contains(&format!(r#" y="{place}"#)) && text.contains(&format!(">{number}<"))
            });
            assert!(found, "{number} at {place}: {svg}");
        }
    }

    #[test]
    fn a_new_task_has_a_line_in_each_panel() {
        let lines = |rows: &[ProbeRow]| svg_of(rows).matches(SWITCH).count();
        assert_eq!(lines(&rows()), 3 * 2);
        let first_task: Vec<_> = rows().into_iter().filter(|row| row.task == 1).collect();
        assert_eq!(lines(&first_task), 0);
    }

    #[test]
    fn a_whole_run_has_nothing_to_add() {
        assert!(notes_of(&rows()).is_empty());
    }

    #[test]
    fn a_missing_value_makes_a_gap_and_the_caption_counts_it() {
        let mut rows = rows();
        for row in &mut rows {
            let hit = row.arm == "CReLU" && row.seed == 2 && row.update == 200;
            if hit && row.layer == "1" {
                row.sharpness = None;
                row.converged = false;
            }
            if row.seed == 1 && row.update == 100 {
                row.effective_step = None;
            }
        }
        assert_eq!(
            notes_of(&rows),
            [
                "Gaps: missing values of sharpness (1 in CReLU), of effective step size (3 in ReLU, 3 in CReLU)."
            ]
        );
        let lengths = |panel: &Panel, arm: usize| -> Vec<_> {
            panel.curves[arm].runs.iter().map(Vec::len).collect()
        };
        let panels = panels(&rows);
        assert_eq!(lengths(&panels[0], 0), [4]);
        assert_eq!(lengths(&panels[0], 1), [1, 2]);
        assert_eq!(lengths(&panels[1], 1), [3]);
        assert_eq!(lengths(&panels[2], 1), [4]);
        assert!(svg_of(&rows).contains("Gaps"));
    }

    #[test]
    fn a_seed_that_ends_early_is_named() {
        let rows: Vec<_> = rows()
            .into_iter()
            .filter(|row| row.arm == "CReLU" || row.seed == 1 || row.update <= 200)
            .collect();
        assert_eq!(
            notes_of(&rows),
            ["Seeds that end early: 1 of 2 in ReLU, after update 200; the mean is over the rest."]
        );
    }

    #[test]
    fn an_eigenvalue_that_did_not_converge_is_counted() {
        let mut rows = rows();
        rows[0].converged = false;
        assert_eq!(
            notes_of(&rows),
            ["Drawn though the iteration had not converged: 1 in ReLU."]
        );
    }

    #[test]
    fn one_negative_value_makes_its_panel_symmetric() {
        let mut rows = rows();
        rows[0].sharpness = Some(-3.0);
        let headings: Vec<_> = panels(&rows)
            .into_iter()
            .map(|panel| panel.heading)
            .collect();
        assert_eq!(
            headings[0],
            "Layer 1: symmetric log axis, linear within ±0.1"
        );
        assert_eq!(headings[1..3], ["Layer 1: log axis", "Layer 2: log axis"]);
    }

    #[test]
    fn a_panel_without_values_says_so() {
        let mut rows = rows();
        for row in &mut rows {
            row.sharpness = None;
        }
        let svg = svg_of(&rows);
        assert_eq!(svg.matches(": no value<").count(), 3);
    }

    #[test]
    fn what_is_not_finite_is_refused_with_curve_and_place() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut rows = rows();
            rows[5].effective_step = Some(bad);
            match refusal(&rows) {
                ReportError::NotFinite { series, x, .. } => {
                    assert_eq!(series, "ReLU, Network, effective step size");
                    assert_eq!(x, 200.0);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn no_rows_and_rows_that_come_twice_are_refused() {
        let reason = |rows: &[ProbeRow]| match refusal(rows) {
            ReportError::Chart { reason, .. } => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(&[]), "there is no point");
        let mut twice = rows();
        twice.push(twice[7].clone());
        assert_eq!(
            reason(&twice),
            r#"two rows of arm "ReLU", seed 1, update 300, layer "2""#
        );
    }

    #[test]
    fn an_unwritable_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        match write_probe_chart(
            &directory.path().join("missing/probes"),
            &Subject::mnist(),
            &rows(),
        ) {
            Err(ReportError::Write(crate::files::WriteError { path, .. })) => {
                assert_eq!(path, directory.path().join("missing/probes.svg"));
            }
            other => panic!("{other:?}"),
        }
    }
}
