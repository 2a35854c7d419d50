//! The picture of the probes: a row of panels per layer, sharpness on the left, the effective step size on the right.

use std::path::Path;

use kuva::plot::LinePlot;
use kuva::render::plots::Plot;
use kuva::render::render::{Primitive, Scene, TextAnchor, render_legend_at, render_multiple};

use super::plots::{
    Axis, BLACK, GREY, MARGIN, Pen, WIDTH, band, check_points, heading_lines, layout, legend_entry,
    letter_width, line, markers, text_at, theme, write_scene,
};
use super::probes::{
    NETWORK, ProbeCurve, arms, check_distinct, last_updates, layers, probe_curve, task_switches,
};
use super::scale::{Scale, number};
use super::{BandPoint, ProbeRow, ReportError};

const TITLE: &str = "Sharpness and effective step size";
const CAPTION: &str = "Line: plain mean over seeds; band: lowest to highest. Vertical lines: first probe of a new \
                       task.";

/// Pixels of one panel, and what of them lies outside its axes.
const PANEL_WIDTH: f64 = (WIDTH - MARGIN) / 2.0;
const PANEL_HEIGHT: f64 = 158.0;
const PANEL_LEFT: f64 = 68.0;
const PANEL_RIGHT: f64 = 14.0;
const PANEL_TOP: f64 = 28.0;
const PANEL_BOTTOM: f64 = 6.0;
/// Below the last row, for the horizontal axis' numbers and name.
const BOTTOM: f64 = 48.0;

const TEXT: u32 = 14;
const NUMBERS: u32 = 13;
const LEGEND_LINE: f64 = 26.0;
/// Of a legend's entry, before its name and after it.
const LEGEND_MARKER: f64 = 25.0;
const LEGEND_GAP: f64 = 20.0;
/// Markers of a curve without gaps.
const MARKERS: usize = 12;
const GRID: &str = "#e6e6e6";
const SWITCH: &str = "#a6a6a6";

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

/// One quantity of one layer: a curve per arm.
struct Panel {
    /// What it is called in an error.
    name: String,
    heading: String,
    scale: Scale,
    curves: Vec<ProbeCurve>,
}

/// Draws sharpness and effective step size against the update to `BASE.svg` and `BASE.png` (900 pixels wide, twice as
/// many in the PNG), each whole or absent: a row of panels per layer and one for the network, a curve per arm, in
/// order of first appearance, which decides its colour and marker as in [`super::write_chart`].
///
/// A curve is the plain mean over the arm's seeds, its band goes from the lowest to the highest. Where one replica's
/// value is missing there is a gap; after a replica's last probe the other seeds go on alone; the caption says so when
/// either is, and counts power iterations that did not converge, whose values are drawn all the same. A panel's axis is
/// logarithmic if all of it is positive, and otherwise symmetric: linear around zero, logarithmic beyond; its heading
/// says which. A new task's first probe has a vertical line.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite; nothing is written then.
/// - [`ReportError::Chart`] when there is no row, when a layer has two rows of one probe or when no PNG can be made;
///   nothing is written either.
/// - [`ReportError::Write`] when the file system refuses.
pub fn write_probe_chart(base: &Path, rows: &[ProbeRow]) -> Result<(), ReportError> {
    check_distinct(base, rows)?;
    let panels = panels(rows);
    for panel in &panels {
        for (arm, curve) in arms(rows).iter().zip(&panel.curves) {
            let name = format!("{arm}, {}", panel.name);
            check_points(base, &name, &curve.runs.concat())?;
        }
    }
    write_scene(base, draw(rows, &panels))
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

fn panel(rows: &[ProbeRow], layer: &str, quantity: &Quantity) -> Panel {
    let curves: Vec<_> = arms(rows)
        .into_iter()
        .map(|arm| probe_curve(rows, arm, layer, quantity.value))
        .collect();
    let scale = Scale::of(heights(&curves));
    let place = match layer {
        NETWORK => "Network".to_owned(),
        layer => format!("Layer {layer}"),
    };
    let axis = match scale {
        _ if heights(&curves).next().is_none() => "no value".to_owned(),
        Scale::Log => "log axis".to_owned(),
        Scale::Symmetric { linear } => {
            format!("symmetric log axis, linear within ±{}", number(linear))
        }
    };
    Panel {
        name: format!("{place}, {}", quantity.name),
        heading: format!("{place}: {axis}"),
        scale,
        curves,
    }
}

fn points(curves: &[ProbeCurve]) -> impl Iterator<Item = &BandPoint> + Clone {
    curves.iter().flat_map(|curve| curve.runs.iter().flatten())
}

/// Of all lines and bands.
fn heights(curves: &[ProbeCurve]) -> impl Iterator<Item = f64> {
    points(curves).flat_map(|point| [point.low, point.mean, point.high])
}

fn draw(rows: &[ProbeRow], panels: &[Panel]) -> Result<Scene, String> {
    let x = Axis::of_places(rows.iter().map(|row| f64::from(row.update)), 6.0)?;
    let switches = task_switches(rows);
    let mut top = MARGIN;
    let mut heading = heading_lines(TITLE, 22, true, BLACK, &mut top);
    for note in caption(rows, panels) {
        heading.extend(heading_lines(&note, TEXT, false, GREY, &mut top));
    }
    let legend_top = top + 0.5 * LEGEND_LINE;
    let places = legend_places(&arms(rows), legend_top);
    top = places.last().map_or(top, |(_, y)| y + LEGEND_LINE);
    heading.extend(column_headings(top + f64::from(TEXT)));
    top += 1.5 * f64::from(TEXT);

    let height = top + panels.len().div_ceil(QUANTITIES.len()) as f64 * PANEL_HEIGHT + BOTTOM;
    let mut scene = Scene::new(WIDTH, height);
    scene.elements.extend(heading);
    legend(&mut scene, &arms(rows), &places);
    for (index, panel) in panels.iter().enumerate() {
        let (row, column) = (index / QUANTITIES.len(), index % QUANTITIES.len());
        let is_last = index + QUANTITIES.len() >= panels.len();
        let corner = (column as f64 * PANEL_WIDTH, top + row as f64 * PANEL_HEIGHT);
        add_panel(
            &mut scene,
            corner,
            panel_scene(panel, &x, &switches, is_last)?,
        );
    }
    Ok(scene)
}

/// What is drawn, and all that is missing from it.
fn caption(rows: &[ProbeRow], panels: &[Panel]) -> Vec<String> {
    let notes = [
        Some(CAPTION.to_owned()),
        missing_note(rows, panels),
        ended_note(rows),
        unconverged_note(rows),
    ];
    notes.into_iter().flatten().collect()
}

/// "Gaps: missing values of sharpness (3 in ReLU)."
fn missing_note(rows: &[ProbeRow], panels: &[Panel]) -> Option<String> {
    let notes: Vec<_> = QUANTITIES
        .iter()
        .enumerate()
        .filter_map(|(column, quantity)| {
            let column = panels.iter().skip(column).step_by(QUANTITIES.len());
            let missing = |arm: usize| column.clone().map(|panel| panel.curves[arm].missing).sum();
            let counts: Vec<usize> = (0..arms(rows).len()).map(missing).collect();
            let per_arm = per_arm(rows, &counts)?;
            Some(format!("{} ({per_arm})", quantity.name))
        })
        .collect();
    (!notes.is_empty()).then(|| format!("Gaps: missing values of {}.", notes.join(", of ")))
}

/// "Seeds that end early: 1 of 2 in ReLU, after update 300; the mean is over the rest."
fn ended_note(rows: &[ProbeRow]) -> Option<String> {
    let end = rows.iter().map(|row| row.update).max()?;
    let notes: Vec<_> = arms(rows)
        .into_iter()
        .filter_map(|arm| {
            let last = last_updates(rows, arm);
            let ended = || last.values().filter(|update| **update < end);
            let first = ended().min()?;
            let (count, seeds) = (ended().count(), last.len());
            Some(format!("{count} of {seeds} in {arm}, after update {first}"))
        })
        .collect();
    let notes = notes.join(", ");
    (!notes.is_empty())
        .then(|| format!("Seeds that end early: {notes}; the mean is over the rest."))
}

fn unconverged_note(rows: &[ProbeRow]) -> Option<String> {
    let is_bare = |row: &&ProbeRow| row.sharpness.is_some() && !row.converged;
    let unconverged: Vec<_> = rows.iter().filter(is_bare).collect();
    let count = |arm: &&str| unconverged.iter().filter(|row| row.arm == *arm).count();
    let counts: Vec<_> = arms(rows).iter().map(count).collect();
    let per_arm = per_arm(rows, &counts)?;
    Some(format!(
        "Drawn though the power iteration had not converged: {per_arm}."
    ))
}

/// "3 in ReLU, 1 in CReLU": the counts that are not 0.
fn per_arm(rows: &[ProbeRow], counts: &[usize]) -> Option<String> {
    let counts = arms(rows).into_iter().zip(counts);
    let counts = counts.filter(|(_, count)| **count > 0);
    let notes: Vec<_> = counts
        .map(|(arm, count)| format!("{count} in {arm}"))
        .collect();
    (!notes.is_empty()).then(|| notes.join(", "))
}

/// One after the other, in as many lines as they need.
fn legend_places(arms: &[&str], top: f64) -> Vec<(f64, f64)> {
    let (mut x, mut y) = (MARGIN, top);
    let place = |arm: &&str| {
        let letters = arm.chars().count() as f64;
        let width = LEGEND_MARKER + letters * letter_width(TEXT, false);
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + LEGEND_LINE);
        }
        let place = (x, y);
        x += width + LEGEND_GAP;
        place
    };
    arms.iter().map(place).collect()
}

fn legend(scene: &mut Scene, arms: &[&str], places: &[(f64, f64)]) {
    for (i, (arm, (x, y))) in arms.iter().zip(places).enumerate() {
        let entry = [legend_entry(i, arm)];
        render_legend_at(
            &entry,
            None,
            None,
            false,
            scene,
            *x,
            *y,
            0.0,
            TEXT,
            &theme(),
        );
    }
}

fn column_headings(y: f64) -> impl Iterator<Item = Primitive> {
    QUANTITIES
        .iter()
        .enumerate()
        .map(move |(column, quantity)| {
            let x = column as f64 * PANEL_WIDTH + MARGIN;
            text_at((x, y), TextAnchor::Start, quantity.heading, 15, true, BLACK)
        })
}

/// Puts a panel's picture where it belongs in the whole.
fn add_panel(scene: &mut Scene, (x, y): (f64, f64), panel: Scene) {
    scene.font_family = panel.font_family;
    scene.defs.extend(panel.defs);
    scene.add(Primitive::GroupStart {
        transform: Some(format!("translate({x},{y})")),
        title: None,
        extra_attrs: None,
    });
    scene.elements.extend(panel.elements);
    scene.add(Primitive::GroupEnd);
}

fn panel_scene(panel: &Panel, x: &Axis, switches: &[u32], is_last: bool) -> Result<Scene, String> {
    let (low, high) = panel.scale.span(heights(&panel.curves));
    let y = Axis::around(low, high, 6.0)?;
    let mut ticks = panel.scale.ticks(y.low, y.high);
    if points(&panel.curves).next().is_none() {
        ticks.clear();
    }
    let plots = plots(panel, x, &y, &ticks, switches);
    let bottom = PANEL_BOTTOM + if is_last { BOTTOM } else { 0.0 };
    let height = PANEL_HEIGHT + bottom - PANEL_BOTTOM;
    let mut layout = layout(&plots, (PANEL_WIDTH, height), x, &y)
        .with_tick_size(NUMBERS)
        .with_label_size(TEXT)
        .with_show_grid(false)
        .with_force_margins(PANEL_LEFT, PANEL_RIGHT)
        .with_force_margins_y(PANEL_TOP, bottom);
    layout.suppress_y_ticks = true;
    layout.suppress_x_ticks = !is_last;
    if is_last {
        layout = layout
            .with_x_label("Parameter updates done")
            .with_x_label_offset(0.0, -6.0);
    }
    let mut scene = render_multiple(plots, layout);
    let heading = (PANEL_LEFT, PANEL_TOP - 8.0);
    scene.add(text_at(
        heading,
        TextAnchor::Start,
        &panel.heading,
        TEXT,
        false,
        GREY,
    ));
    let pixels = (PANEL_HEIGHT - PANEL_TOP - PANEL_BOTTOM) / (y.high - y.low);
    for (height, number) in ticks {
        let y = PANEL_TOP + (y.high - height) * pixels + 0.35 * f64::from(NUMBERS);
        let place = (PANEL_LEFT - 6.0, y);
        scene.add(text_at(
            place,
            TextAnchor::End,
            &number,
            NUMBERS,
            false,
            BLACK,
        ));
    }
    Ok(scene)
}

/// From back to front: the grid, task switches, bands, lines, markers.
fn plots(
    panel: &Panel,
    x: &Axis,
    y: &Axis,
    ticks: &[(f64, String)],
    switches: &[u32],
) -> Vec<Plot> {
    let grid = ticks
        .iter()
        .map(|&(height, _)| thin_line(GRID, [(x.low, height), (x.high, height)]));
    let switches = switches
        .iter()
        .map(|&update| f64::from(update))
        .map(|place| thin_line(SWITCH, [(place, y.low), (place, y.high)]));
    let runs: Vec<_> = panel
        .curves
        .iter()
        .enumerate()
        .flat_map(|(i, curve)| curve.runs.iter().map(move |run| (i, run)))
        .map(|(i, run)| (i, on_scale(panel.scale, run)))
        .collect();
    let pen = pen(&panel.curves);
    let bands = runs.iter().map(|(i, run)| band(*i, run));
    let lines = runs.iter().map(|(i, run)| line(&pen, *i, run));
    let markers = runs.iter().map(|(i, run)| markers(&pen, *i, run));
    let curves = bands.chain(lines).chain(markers);
    grid.chain(switches).chain(curves).collect()
}

/// Thinner than a large chart's; markers are as dense on all curves.
fn pen(curves: &[ProbeCurve]) -> Pen {
    let longest = curves
        .iter()
        .map(|curve| curve.runs.iter().map(Vec::len).sum());
    let longest: usize = longest.max().unwrap_or(0);
    Pen {
        line_width: 1.5,
        marker_radius: 3.0,
        marker_every: longest.div_ceil(MARKERS).max(1),
    }
}

fn thin_line(colour: &str, ends: [(f64, f64); 2]) -> Plot {
    let line = LinePlot::new().with_data(ends).with_color(colour);
    Plot::Line(line.with_stroke_width(1.0))
}

fn on_scale(scale: Scale, points: &[BandPoint]) -> Vec<BandPoint> {
    let on_scale = |point: &BandPoint| BandPoint {
        x: point.x,
        low: scale.height(point.low),
        mean: scale.height(point.mean),
        high: scale.height(point.high),
    };
    points.iter().map(on_scale).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::probes::tests::row;
    use super::*;

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
        write_probe_chart(&directory.path().join("probes"), rows).unwrap();
        fs::read_to_string(directory.path().join("probes.svg")).unwrap()
    }

    /// The error of a picture that must be refused, and leave no file.
    fn refusal(rows: &[ProbeRow]) -> ReportError {
        let directory = tempfile::tempdir().unwrap();
        let error = write_probe_chart(&directory.path().join("probes"), rows).unwrap_err();
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
        write_probe_chart(&directory.path().join("probes"), &rows()).unwrap();
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
            (TITLE, 1),
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
    fn bands_are_on_the_scale_too() {
        let point = |x, low, mean, high| BandPoint { x, low, mean, high };
        assert_eq!(
            on_scale(Scale::Log, &[point(100.0, 0.1, 10.0, 100.0)]),
            [point(100.0, -1.0, 1.0, 2.0)]
        );
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
            ["Drawn though the power iteration had not converged: 1 in ReLU."]
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
        match write_probe_chart(&directory.path().join("missing/probes"), &rows()) {
            Err(ReportError::Write { path, .. }) => {
                assert_eq!(path, directory.path().join("missing/probes.svg"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_long_legend_goes_on_in_the_next_line() {
        let name = "forty letters, which are 336 pixels wide";
        let places = legend_places(&[name, name, name], 10.0);
        assert_eq!(places, [(20.0, 10.0), (401.0, 10.0), (20.0, 36.0)]);
        let wider_than_the_picture = name.repeat(3);
        assert_eq!(
            legend_places(&[&wider_than_the_picture], 10.0),
            [(20.0, 10.0)]
        );
    }
}
