//! The pictures of the experiments: accuracies by task above the step sizes of each layer, arms side by side.

use std::collections::BTreeSet;
use std::path::Path;

use kuva::plot::MarkerShape;

use super::ReportError;
use super::captions::{end_note, heading, missing_note, per_arm, place};
use super::curves::{SeedCurve, mean_curve, median_curve};
use super::grid::{
    Column, Curve, Grid, Key, PANEL_HEIGHT, Panel, REFERENCE, Style, draw_grid, values, x_ticks,
};
use super::plots::{Axis, BLACK, Drawing, extent};
use super::rows::{distinct, last_updates, layers, task_switches};
use super::run::Run;
use super::scale::Scale;
use super::subject::Subject;
use crate::record::{ProbeRow, TaskRow};

/// Of a picture with one row of panels.
const TALL_PANEL: f64 = 300.0;
const UPDATES: &str = "Parameter updates done";
/// How far a row's axis goes beyond the largest and the smallest effective step size.
const MOST_ABOVE: f64 = 100.0;
const MOST_BELOW: f64 = 1000.0;

/// A number of a probe.
struct Quantity {
    name: &'static str,
    value: fn(&ProbeRow) -> Option<f64>,
}

const STEP: Quantity = Quantity {
    name: "step size",
    value: |row| Some(row.step_size),
};
const EFFECTIVE_STEP: Quantity = Quantity {
    name: "effective step size",
    value: |row| row.effective_step,
};
const NOISE: Quantity = Quantity {
    name: "gradient-noise bound",
    value: |row| row.bound_noise,
};
const VOLATILITY: Quantity = Quantity {
    name: "curvature-volatility bound",
    value: |row| row.bound_volatility,
};
const COMBINED: Quantity = Quantity {
    name: "combined bound",
    value: |row| row.bound_combined,
};

const ACCURACY: &str = "online accuracy";
const ACCURACY_STYLE: Style = Style {
    marker: Some(MarkerShape::Circle),
    ..Style::line(BLACK, 1.5)
};
const EFFECTIVE_STEP_STYLE: Style = Style::line(BLACK, 1.6);
const NOISE_STYLE: Style = Style::line("#0072B2", 1.1);
const VOLATILITY_STYLE: Style = Style::line("#E69F00", 1.1);
const COMBINED_STYLE: Style = Style::line("#009E73", 1.4);

/// The arms of a column, with their looks.
struct Group<'a> {
    heading: &'a str,
    arms: Vec<(&'a str, Style)>,
}

/// Draws where the effective step size of each layer lies among its bounds to `BASE.svg` and `BASE.png`, each whole or
/// absent: a column per arm, in order of first appearance; above, the online accuracy by task; below it a row per
/// layer, and the network's last, with the effective step size and the gradient-noise, curvature-volatility and
/// combined bounds against the update. The picture is 900 pixels wide for up to two arms and 370 more for each beyond.
///
/// The accuracy is the mean over the seeds, with a band from the lowest to the highest, and stands in the middle of the
/// arm's probes of the task; a task without a probe is left out and counted in the caption. Steps and bounds are
/// medians over the seeds. Their axes are logarithmic, the same in all of a row; what lies beyond 100 times the largest
/// effective step size or a thousandth of the smallest is cut off. Where more than half of an arm's seeds violate the
/// combined bound there is a mark at the bottom. Where one replica's value is missing there is a gap; after a replica's
/// last probe the other seeds go on alone; the caption says so when either is.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite; nothing is written then.
/// - [`ReportError::Chart`] when there is no probe, when there are two rows of one task or of one layer's probe, or
///   when no PNG can be made; nothing is written either.
/// - [`ReportError::Write`] when the file system refuses.
pub(super) fn write_diagnosis(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
    probes: &[ProbeRow],
) -> Result<(), ReportError> {
    diagnosis(base, subject, tasks, probes)?.write()
}

/// The picture of [`write_diagnosis`].
pub(super) fn diagnosis(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
    probes: &[ProbeRow],
) -> Result<Drawing, ReportError> {
    let run = Run {
        subject,
        tasks,
        probes,
    };
    let quantities = [
        (&VOLATILITY, VOLATILITY_STYLE),
        (&NOISE, NOISE_STYLE),
        (&COMBINED, COMBINED_STYLE),
        (&EFFECTIVE_STEP, EFFECTIVE_STEP_STYLE),
    ];
    let title = "Each layer's effective step size and its bounds";
    let grid = || bounds_grid(run, title, &quantities, &layers(probes));
    drawn(base, run, grid)
}

/// As [`write_diagnosis`], but without the network's row, and of the bounds only the combined one.
///
/// # Errors
/// As for [`write_diagnosis`].
pub(super) fn write_layer_bounds(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
    probes: &[ProbeRow],
) -> Result<(), ReportError> {
    layer_bounds(base, subject, tasks, probes)?.write()
}

/// The picture of [`write_layer_bounds`].
pub(super) fn layer_bounds(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
    probes: &[ProbeRow],
) -> Result<Drawing, ReportError> {
    let run = Run {
        subject,
        tasks,
        probes,
    };
    let quantities = [
        (&COMBINED, COMBINED_STYLE),
        (&EFFECTIVE_STEP, EFFECTIVE_STEP_STYLE),
    ];
    let title = "Each layer's effective step size and combined bound";
    drawn(base, run, || {
        bounds_grid(run, title, &quantities, &run.layers())
    })
}

/// Draws online accuracy by task to `BASE.svg` and `BASE.png`, each whole or absent: panels side by side, one per group
/// of arms, in order of first appearance. An arm's group is what stands before ": " in its name, and the legend says
/// what stands after it, once for all groups; arms without it form one group. The picture is as wide as
/// [`write_diagnosis`] makes it.
///
/// A curve is the mean over the arm's seeds, its band goes from the lowest to the highest. Where a seed has no row but
/// has later ones there is a gap; after its last task the others go on alone; the caption says so when either is.
///
/// # Errors
/// - [`ReportError::NotFinite`] for an accuracy that is not finite; nothing is written then.
/// - [`ReportError::Chart`] when there is no task, when a seed has two rows of one or when no PNG can be made; nothing
///   is written either.
/// - [`ReportError::Write`] when the file system refuses.
pub(super) fn write_accuracies(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
) -> Result<(), ReportError> {
    accuracies(base, subject, tasks)?.write()
}

/// The picture of [`write_accuracies`].
pub(super) fn accuracies(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
) -> Result<Drawing, ReportError> {
    let probes = &[];
    let run = Run {
        subject,
        tasks,
        probes,
    };
    drawn(base, run, || accuracies_grid(run))
}

/// Draws the step sizes of groups of arms to `BASE.svg` and `BASE.png`, each whole or absent: a column per group, as in
/// [`write_accuracies`]; above, the online accuracy by task, placed as in [`write_diagnosis`]; below it two rows per
/// layer, with the step size and the effective step size of every arm against the update.
///
/// All curves are means over the seeds with bands from the lowest to the highest. Axes of step sizes are the same in
/// all of a row, logarithmic where all of it is positive and otherwise symmetric: linear around zero, logarithmic
/// beyond. Gaps and seeds that end early are as in [`write_diagnosis`].
///
/// # Errors
/// As for [`write_diagnosis`].
pub(super) fn write_trajectories(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
    probes: &[ProbeRow],
) -> Result<(), ReportError> {
    trajectories(base, subject, tasks, probes)?.write()
}

/// The picture of [`write_trajectories`].
pub(super) fn trajectories(
    base: &Path,
    subject: &Subject,
    tasks: &[TaskRow],
    probes: &[ProbeRow],
) -> Result<Drawing, ReportError> {
    let run = Run {
        subject,
        tasks,
        probes,
    };
    drawn(base, run, || trajectories_grid(run))
}

fn drawn(
    base: &Path,
    run: Run,
    grid: impl FnOnce() -> Result<Grid, String>,
) -> Result<Drawing, ReportError> {
    run.check_distinct(base)?;
    let grid = grid().map_err(|reason| ReportError::Chart {
        path: base.to_owned(),
        reason,
    })?;
    draw_grid(base, &grid)
}

fn bounds_grid(
    run: Run,
    title: &str,
    quantities: &[(&Quantity, Style)],
    layers: &[&str],
) -> Result<Grid, String> {
    let group = |arm| Group {
        heading: arm,
        arms: vec![(arm, ACCURACY_STYLE)],
    };
    let groups: Vec<_> = run.arms().into_iter().map(group).collect();
    let mut panels = accuracy_row(run.subject, &groups, |arm| run.accuracy_by_update(arm));
    for layer in layers {
        panels.extend(bounds_row(run, &groups, quantities, layer));
    }
    let caption = format!(
        "Top: mean over seeds, in the middle of a task's probes; band: lowest to highest. Below: medians over seeds; a \
         bound is missing while it has too few probes, and where it is infinite. What is more than {MOST_ABOVE} times \
         a row's largest effective step size, or less than 1/{MOST_BELOW} of its smallest, is cut off. Vertical lines: \
         first probe of a new task."
    );
    let lines = quantities.iter().rev();
    let lines = lines.map(|(quantity, style)| (Key::Line(*style), capitalised(quantity.name)));
    let mark = "Most seeds violate the combined bound".to_owned();
    Ok(Grid {
        title: run.subject.title(title),
        notes: notes(run, &caption, &panels, "means and medians are"),
        legend: lines
            .chain([(Key::Mark, mark)])
            .chain(chance_key(run.subject))
            .collect(),
        x_label: UPDATES,
        panel_height: PANEL_HEIGHT,
        columns: columns_of_updates(run, &groups)?,
        panels,
    })
}

fn accuracies_grid(run: Run) -> Result<Grid, String> {
    let arms = run.arms();
    let groups = groups(&arms);
    let panels = accuracy_row(run.subject, &groups, |arm| run.accuracy_by_task(arm));
    let places = run.tasks.iter().map(|row| f64::from(row.task));
    let x = Axis::of_places(places, x_ticks(groups.len()))?;
    let column = |group: &Group| Column {
        heading: group.heading.to_owned(),
        x: x.clone(),
        switches: Vec::new(),
    };
    let caption = "Line: mean over seeds; band: lowest to highest.";
    let ends: Vec<_> = arms.iter().map(|arm| (*arm, run.last_tasks(arm))).collect();
    let notes = [
        Some(caption.to_owned()),
        missing_note(panels.iter().flat_map(|panel| &panel.curves)),
        end_note(&ends, "task", "the mean is"),
    ];
    Ok(Grid {
        title: run.subject.title("Online accuracy by task"),
        notes: notes.into_iter().flatten().collect(),
        legend: legend_of_arms(run.subject, &groups),
        x_label: "Task",
        panel_height: TALL_PANEL,
        columns: groups.iter().map(column).collect(),
        panels,
    })
}

fn trajectories_grid(run: Run) -> Result<Grid, String> {
    let arms = run.arms();
    let groups = groups(&arms);
    let mut panels = accuracy_row(run.subject, &groups, |arm| run.accuracy_by_update(arm));
    for layer in run.layers() {
        panels.extend(steps_row(run, &groups, &STEP, layer));
        panels.extend(steps_row(run, &groups, &EFFECTIVE_STEP, layer));
    }
    let caption = "Line: mean over seeds, of an accuracy in the middle of a task's probes; band: lowest to highest. \
                   Vertical lines: first probe of a new task.";
    Ok(Grid {
        title: run
            .subject
            .title("Online accuracy and step sizes, layer by layer"),
        notes: notes(run, caption, &panels, "the mean is"),
        legend: legend_of_arms(run.subject, &groups),
        x_label: UPDATES,
        panel_height: PANEL_HEIGHT,
        columns: columns_of_updates(run, &groups)?,
        panels,
    })
}

/// All columns have the same axis, and switches where their own arms have them.
fn columns_of_updates(run: Run, groups: &[Group]) -> Result<Vec<Column>, String> {
    let places = run.probes.iter().map(|row| f64::from(row.update));
    let x = Axis::of_places(places, x_ticks(groups.len()))?;
    let column = |group: &Group| {
        let is_own = |row: &&ProbeRow| group.arms.iter().any(|(arm, _)| *arm == row.arm);
        Column {
            heading: group.heading.to_owned(),
            x: x.clone(),
            switches: task_switches(run.probes.iter().filter(is_own)),
        }
    };
    Ok(groups.iter().map(column).collect())
}

/// What is drawn, and all that is missing from it.
fn notes(run: Run, caption: &str, panels: &[Panel], centre: &str) -> Vec<String> {
    let end = |arm| (arm, last_updates(run.probes, arm));
    let ends: Vec<_> = run.arms().into_iter().map(end).collect();
    let notes = [
        Some(caption.to_owned()),
        missing_note(panels.iter().flat_map(|panel| &panel.curves)),
        unplaced_note(run),
        end_note(&ends, "update", centre),
    ];
    notes.into_iter().flatten().collect()
}

/// "Not drawn: accuracies of tasks without a probe, 3 in ReLU."
fn unplaced_note(run: Run) -> Option<String> {
    let arms = run.arms().into_iter();
    let per_arm = per_arm(arms.map(|arm| (arm, run.unplaced_tasks(arm))))?;
    Some(format!(
        "Not drawn: accuracies of tasks without a probe, {per_arm}."
    ))
}

/// What stands before ": ", if anything does, and the rest.
fn group_and_variant(arm: &str) -> (&str, &str) {
    arm.split_once(": ").unwrap_or(("", arm))
}

/// In order of first appearance; the same variant looks the same in all of them.
fn groups<'a>(arms: &[&'a str]) -> Vec<Group<'a>> {
    let variants = distinct(arms.iter().map(|arm| group_and_variant(arm).1));
    let style = |arm| {
        let is_own = |variant: &&str| *variant == group_and_variant(arm).1;
        Style::of_arm(variants.iter().position(is_own).unwrap_or(0))
    };
    distinct(arms.iter().map(|arm| group_and_variant(arm).0))
        .into_iter()
        .map(|heading| {
            let arms = arms.iter().copied();
            let own = arms.filter(|arm| group_and_variant(arm).0 == heading);
            Group {
                heading,
                arms: own.map(|arm| (arm, style(arm))).collect(),
            }
        })
        .collect()
}

/// Each variant once, then chance.
fn legend_of_arms(subject: &Subject, groups: &[Group]) -> Vec<(Key, String)> {
    let mut seen = BTreeSet::new();
    let arms = groups.iter().flat_map(|group| &group.arms);
    let arms = arms.map(|(arm, style)| (group_and_variant(arm).1, style));
    let arms = arms.filter(|(variant, _)| seen.insert(*variant));
    arms.map(|(variant, style)| (Key::Line(*style), variant.to_owned()))
        .chain(chance_key(subject))
        .collect()
}

fn chance_key(subject: &Subject) -> Option<(Key, String)> {
    let classes = subject.classes?;
    Some((Key::Line(REFERENCE), format!("Chance (1 in {classes})")))
}

fn capitalised(name: &str) -> String {
    let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
    first.to_uppercase() + rest
}

/// A panel per group, from 0 to 1, of the curve of each arm.
fn accuracy_row(
    subject: &Subject,
    groups: &[Group],
    accuracy: impl Fn(&str) -> SeedCurve,
) -> Vec<Panel> {
    let panel = |group: &Group| {
        let arms = group.arms.iter();
        let curves: Vec<_> = arms
            .map(|(arm, style)| curve(arm, "", ACCURACY, *style, accuracy(arm)))
            .collect();
        Panel {
            heading: heading(&capitalised(ACCURACY), Scale::Linear, &curves),
            scale: Scale::Linear,
            span: (0.0, 1.0),
            reference: subject.chance(),
            curves,
            marks: Vec::new(),
        }
    };
    groups.iter().map(panel).collect()
}

/// A panel per group, of one quantity of one layer of each arm.
fn steps_row(run: Run, groups: &[Group], quantity: &Quantity, layer: &str) -> Vec<Panel> {
    let place = place(layer);
    let curves = |group: &Group| -> Vec<_> {
        let arms = group.arms.iter();
        arms.map(|(arm, style)| {
            let means = mean_curve(run.probes, arm, layer, quantity.value);
            curve(arm, &place, quantity.name, *style, means)
        })
        .collect()
    };
    let curves: Vec<_> = groups.iter().map(curves).collect();
    let all = || curves.iter().flat_map(|curves| values(curves));
    let scale = Scale::of(all());
    let span = scale.span(all());
    let name = format!("{place}, {}", quantity.name);
    curves
        .into_iter()
        .map(|curves| panel(&name, scale, span, curves, Vec::new()))
        .collect()
}

/// A panel per group, of several quantities of one layer of its arm.
fn bounds_row(
    run: Run,
    groups: &[Group],
    quantities: &[(&Quantity, Style)],
    layer: &str,
) -> Vec<Panel> {
    let place = place(layer);
    let curves = |group: &Group| -> Vec<_> {
        let arms = group.arms.iter().map(|(arm, _)| arm);
        arms.flat_map(|arm| {
            quantities.iter().map(|(quantity, style)| {
                let medians = median_curve(run.probes, arm, layer, quantity.value);
                curve(arm, &place, quantity.name, *style, medians)
            })
        })
        .collect()
    };
    let curves: Vec<_> = groups.iter().map(curves).collect();
    let span = span_about_steps(curves.iter().flatten());
    let panel = |(group, curves): (&Group, _)| {
        let arms = group.arms.iter();
        let marks = arms.flat_map(|(arm, _)| run.violations(arm, layer));
        panel(&place, Scale::Log, span, curves, marks.collect())
    };
    groups.iter().zip(curves).map(panel).collect()
}

/// The heights of a logarithmic axis that shows all effective steps, and the bounds that are not too far from them.
fn span_about_steps<'a>(curves: impl Iterator<Item = &'a Curve> + Clone) -> (f64, f64) {
    let positive = |is_shown: fn(&Curve) -> bool| {
        let curves = curves.clone().filter(move |curve| is_shown(curve));
        let points = curves.flat_map(|curve| curve.runs.iter().flatten());
        extent(points.map(|point| point.mean).filter(|mean| *mean > 0.0))
    };
    let shown = positive(|_| true).map(|(low, high)| {
        let steps = positive(|curve| curve.quantity == EFFECTIVE_STEP.name);
        steps.map_or((low, high), |(least, most)| {
            (low.max(least / MOST_BELOW), high.min(most * MOST_ABOVE))
        })
    });
    let shown = shown.map(|(low, high)| [low / 2.0, high]);
    Scale::Log.span(shown.into_iter().flatten())
}

fn curve(
    arm: &str,
    place: &str,
    quantity: &'static str,
    style: Style,
    SeedCurve { runs, missing }: SeedCurve,
) -> Curve {
    Curve {
        arm: arm.to_owned(),
        place: place.to_owned(),
        quantity,
        style,
        runs,
        missing,
    }
}

fn panel(name: &str, scale: Scale, span: (f64, f64), curves: Vec<Curve>, marks: Vec<u32>) -> Panel {
    Panel {
        heading: heading(name, scale, &curves),
        scale,
        span,
        reference: None,
        curves,
        marks,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::BandPoint;
    use super::*;
    use crate::record::NETWORK;
    use crate::record::fixtures::{probe_row, task_row};

    const ARMS: [&str; 4] = ["L2: none", "L2: combined", "L1: none", "L1: global"];

    /// Two seeds of each arm, three tasks of four probes, two layers and the network.
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

    type Write = fn(&Path, &Subject, &[TaskRow], &[ProbeRow]) -> Result<(), ReportError>;

    /// All pictures that show probes.
    const OF_PROBES: [Write; 3] = [write_diagnosis, write_layer_bounds, write_trajectories];

    fn accuracies(
        base: &Path,
        subject: &Subject,
        tasks: &[TaskRow],
        _: &[ProbeRow],
    ) -> Result<(), ReportError> {
        write_accuracies(base, subject, tasks)
    }

    fn svg_of(write: Write, tasks: &[TaskRow], probes: &[ProbeRow]) -> String {
        let directory = tempfile::tempdir().unwrap();
        write(
            &directory.path().join("figure"),
            &Subject::mnist(),
            tasks,
            probes,
        )
        .unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
        let png = fs::read(directory.path().join("figure.png")).unwrap();
        assert_eq!(png[12..16], *b"IHDR");
        let svg = fs::read_to_string(directory.path().join("figure.svg")).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains(" inf "), "{svg}");
        svg
    }

    /// The error of a picture that must be refused, and leave no file.
    fn refusal(write: Write, tasks: &[TaskRow], probes: &[ProbeRow]) -> ReportError {
        let directory = tempfile::tempdir().unwrap();
        let error = write(
            &directory.path().join("figure"),
            &Subject::mnist(),
            tasks,
            probes,
        )
        .unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error
    }

    fn assert_says(svg: &str, words: &[(&str, usize)]) {
        for (word, times) in words {
            let count = svg.matches(&format!(">{word}<")).count();
            assert_eq!(count, *times, "{word}: {svg}");
        }
    }

    /// The diagnosis' panels of one arm: accuracy, layers, network.
    fn diagnosis(tasks: &[TaskRow], probes: &[ProbeRow]) -> Grid {
        let quantities = [
            (&NOISE, NOISE_STYLE),
            (&EFFECTIVE_STEP, EFFECTIVE_STEP_STYLE),
        ];
        let run = Run {
            subject: &Subject::mnist(),
            tasks,
            probes,
        };
        bounds_grid(run, "", &quantities, &layers(probes)).unwrap()
    }

    #[test]
    fn a_diagnosis_has_a_column_per_arm_and_a_row_per_layer() {
        let (tasks, probes) = rows(&ARMS);
        let svg = svg_of(write_diagnosis, &tasks, &probes);
        assert!(svg.contains(r#"width="1500""#), "{svg}");
        assert_eq!(svg.matches("translate(").count(), 4 * 4);
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
        let svg = svg_of(write_layer_bounds, &tasks, &probes);
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
        let svg = svg_of(write_trajectories, &tasks, &probes);
        assert_eq!(svg.matches("translate(").count(), 2 * 5);
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
        assert_eq!(svg.matches("translate(").count(), 2);
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
        assert_eq!(group_and_variant("a: b: c"), ("a", "b: c"));
        assert_eq!(group_and_variant("plain:ReLU"), ("", "plain:ReLU"));
    }

    #[test]
    fn an_accuracy_stands_in_the_middle_of_its_tasks_probes() {
        let (tasks, probes) = rows(&ARMS[..1]);
        let grid = diagnosis(&tasks, &probes);
        let points = &grid.panels[0].curves[0].runs[0];
        let places: Vec<_> = points.iter().map(|point| point.x).collect();
        assert_eq!(places, [250.0, 650.0, 1050.0]);
        assert_eq!((points[0].low, points[0].high), (0.6, 0.7));
        assert!((points[0].mean - 0.65).abs() < 1e-15);
        assert_eq!(grid.columns[0].switches, [500, 900]);
        // 68 pixels, and 798 of them are 1.04 times 1100; 28 pixels, and 124 of them are 1.04.
        let svg = svg_of(write_diagnosis, &tasks, &probes);
        let x = 68.0 + 798.0 * (250.0 - 100.0 + 22.0) / 1144.0;
        let y = 28.0 + 124.0 * (1.02 - 0.65) / 1.04;
        let place = format!(r#"cx="{x:.2}" cy="{y:.2}""#);
        assert!(svg.contains(&place), "{place}: {svg}");
    }

    #[test]
    fn a_task_without_probes_is_left_out_and_counted() {
        let (tasks, mut probes) = rows(&ARMS[..2]);
        probes.retain(|row| row.arm != ARMS[0] || row.task != 2);
        let grid = diagnosis(&tasks, &probes);
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
        for write in OF_PROBES {
            let svg = svg_of(write, &tasks, &probes);
            assert!(svg.contains("Not drawn: accuracies of tasks without a probe, 3 in L2: none."));
        }
        let svg = svg_of(write_diagnosis, &tasks, &probes);
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
        let grid = diagnosis(&[], &probes);
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
            let grid = diagnosis(&tasks, &probes);
            assert_eq!(grid.panels[2].marks, marks);
            assert!(grid.panels[1].marks.is_empty() && grid.panels[3].marks.is_empty());
        }
        // 28 + 124 pixels down, less the axis' line.
        let x = 68.0 + 798.0 * (300.0 - 100.0 + 22.0) / 1144.0;
        for write in [write_diagnosis, write_layer_bounds] {
            let svg = svg_of(write, &tasks, &probes);
            let mark = format!("M {x:.2} 151.00 L {x:.2} 144.00 ");
            assert_eq!(svg.matches(&mark).count(), 1, "{mark}: {svg}");
        }
    }

    #[test]
    fn bounds_far_from_all_steps_are_cut_off() {
        let of = |quantity: &Quantity, values: &[f64]| {
            let point = |value: &f64| BandPoint {
                x: 1.0,
                low: *value,
                mean: *value,
                high: *value,
            };
            let curve = SeedCurve {
                runs: vec![values.iter().map(point).collect()],
                missing: 0,
            };
            super::curve("arm", "", quantity.name, NOISE_STYLE, curve)
        };
        let span = |steps: &[f64], bounds: &[f64]| {
            let curves = [of(&EFFECTIVE_STEP, steps), of(&COMBINED, bounds)];
            let (low, high) = span_about_steps(curves.iter());
            (10_f64.powf(low), 10_f64.powf(high))
        };
        let assert_span = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low / expected.0 - 1.0).abs() < 1e-12, "{low}");
            assert!((high / expected.1 - 1.0).abs() < 1e-12, "{high}");
        };
        assert_span(span(&[0.1, 2.0], &[0.5, 1e12]), (0.05, 200.0));
        assert_span(span(&[0.1, 2.0], &[0.01, 50.0]), (0.005, 50.0));
        assert_span(span(&[0.1, 2.0], &[1e-9, 0.0]), (0.000_05, 2.0));
        assert_span(span(&[], &[0.0, 1.0, 1e9]), (0.5, 1e9));
        let (low, high) = span(&[], &[]);
        assert!(low < high && low.is_finite() && high.is_finite());
    }

    #[test]
    fn panels_of_a_row_share_their_axis() {
        let (tasks, mut probes) = rows(&ARMS);
        for row in probes.iter_mut().filter(|row| row.arm == ARMS[3]) {
            row.effective_step = Some(1e-3);
            row.step_size = 0.0;
        }
        let run = Run {
            subject: &Subject::mnist(),
            tasks: &tasks,
            probes: &probes,
        };
        let of_arms = diagnosis(&tasks, &probes);
        let of_groups = trajectories_grid(run).unwrap();
        for (grid, row) in [(&of_arms, 1), (&of_groups, 1), (&of_groups, 2)] {
            let columns = grid.columns.len();
            let panels = &grid.panels[row * columns..(row + 1) * columns];
            for panel in panels {
                assert_eq!((panel.scale, panel.span), (panels[0].scale, panels[0].span));
            }
        }
        assert_eq!(
            of_groups.panels[2].heading,
            "Layer 1, step size: symmetric log axis, linear within ±1e-5"
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
        for write in OF_PROBES {
            svg_of(write, &tasks, &probes);
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
        let svg = svg_of(write_diagnosis, &tasks, &probes);
        let note = "Gaps: missing values of curvature-volatility bound (72 in L2: none), of";
        assert!(svg.contains(note), "{svg}");
        assert_says(&svg, &[("Layer 1: log axis", 1)]);
        for row in &mut probes {
            row.bound_noise = None;
            row.effective_step = None;
        }
        let svg = svg_of(write_diagnosis, &tasks, &probes);
        assert_says(&svg, &[("Layer 1: no value", 1), ("Online accuracy", 1)]);
    }

    #[test]
    fn a_seed_that_ends_early_is_named_and_the_others_go_on() {
        let (mut tasks, mut probes) = rows(&ARMS[..1]);
        tasks.retain(|row| row.seed == 1 || row.task <= 2);
        probes.retain(|row| row.seed == 1 || row.update <= 900);
        let note = "Seeds that end early: 1 of 2 in L2: none, after update 900; means and medians are over the rest.";
        let grid = diagnosis(&tasks, &probes);
        assert_eq!(grid.notes[1..], [note]);
        assert_eq!(grid.panels[0].curves[0].runs[0][2].mean, 0.6);
        assert_eq!(grid.panels[1].curves[1].runs[0].len(), 12);
        let accuracies = accuracies_grid(Run {
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
        for write in OF_PROBES {
            let svg = svg_of(write, &tasks, &probes);
            assert_says(&svg, &[("Online accuracy", 1)]);
        }
        svg_of(accuracies, &tasks, &[]);
        let only_network = [probe_row("ReLU", 1, 0, NETWORK)];
        for write in OF_PROBES {
            svg_of(write, &[], &only_network);
        }
    }

    #[test]
    fn what_is_not_finite_is_refused_with_curve_and_place() {
        let (tasks, probes) = rows(&ARMS[..2]);
        type Set = fn(&mut ProbeRow, f64);
        let set: [(Set, &str, Write); 5] = [
            (
                |row, bad| row.effective_step = Some(bad),
                "effective step size",
                write_trajectories,
            ),
            (
                |row, bad| row.step_size = bad,
                "step size",
                write_trajectories,
            ),
            (
                |row, bad| row.bound_noise = Some(bad),
                "gradient-noise bound",
                write_diagnosis,
            ),
            (
                |row, bad| row.bound_volatility = Some(bad),
                "curvature-volatility bound",
                write_diagnosis,
            ),
            (
                |row, bad| row.bound_combined = Some(bad),
                "combined bound",
                write_layer_bounds,
            ),
        ];
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for (set, name, write) in &set {
                let mut probes = probes.clone();
                set(&mut probes[4], bad);
                match refusal(*write, &tasks, &probes) {
                    ReportError::NotFinite { series, x, .. } => {
                        assert_eq!(series, format!("L2: none, Layer 2, {name}"));
                        assert_eq!(x, 200.0);
                    }
                    other => panic!("{other:?}"),
                }
            }
            for (write, place) in [(write_diagnosis as Write, 650.0), (accuracies, 2.0)] {
                let mut tasks = tasks.clone();
                tasks[1].online_accuracy = bad;
                match refusal(write, &tasks, &probes) {
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
        let reason =
            |write, tasks: &[TaskRow], probes: &[ProbeRow]| match refusal(write, tasks, probes) {
                ReportError::Chart { reason, .. } => reason,
                other => panic!("{other:?}"),
            };
        let (tasks, probes) = rows(&ARMS[..1]);
        for write in OF_PROBES {
            assert_eq!(reason(write, &[], &[]), "there is no point");
            assert_eq!(reason(write, &tasks, &[]), "there is no point");
            let twice = [&tasks[..], &tasks[4..5]].concat();
            assert_eq!(
                reason(write, &twice, &probes),
                r#"two rows of arm "L2: none", seed 2, task 2"#
            );
            let twice = [&probes[..], &probes[4..5]].concat();
            assert_eq!(
                reason(write, &tasks, &twice),
                r#"two rows of arm "L2: none", seed 1, update 200, layer "2""#
            );
        }
        assert_eq!(reason(accuracies, &[], &[]), "there is no point");
    }

    #[test]
    fn an_unwritable_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let (tasks, _) = rows(&ARMS);
        match write_accuracies(
            &directory.path().join("missing/figure"),
            &Subject::mnist(),
            &tasks,
        ) {
            Err(ReportError::Write(crate::files::WriteError { path, .. })) => {
                assert_eq!(path, directory.path().join("missing/figure.svg"));
            }
            other => panic!("{other:?}"),
        }
    }
}
