//! The pictures of an experiment: accuracies by task above the measurements of each layer, with arms side by side.
//!
//! Except where a picture says otherwise, an arm's curve is the mean over its seeds, with a band from the lowest to the
//! highest. A missing value of one replica leaves a gap. After a replica's last task or probe the curve continues with the
//! other seeds. The notes count both. A picture is 900 pixels wide for up to two columns, and 370 pixels wider for each
//! further column. [`Drawing::write`] writes it as SVG and PNG.

use std::path::Path;

use super::captions::{capitalised, end_note, missing_note, per_arm};
use super::drawing::{BLACK, Drawing, chart_error};
use super::grid::{Column, Grid, Key, PANEL_HEIGHT, Panel, Style, draw_grid, x_range};
use super::panels::{
    ACCURACY_STYLE, COMBINED, EFFECTIVE_STEP, Group, MOST_ABOVE, MOST_BELOW, NOISE, Quantity,
    SHARPNESS, STEP, VOLATILITY, accuracy_row, bounds_row, groups, quantity_row, variant,
};
use super::rows::{distinct, last_updates, layers, task_switches};
use super::run::Rows;
use super::{ReportError, Subject};

/// The height in pixels of a panel in a picture with a single row.
const TALL_PANEL: f64 = 300.0;
const UPDATES: &str = "Parameter updates done";
const CENTRE: &str = "Line: mean over seeds; band: lowest to highest.";
const GROUND: &str = "Grey ground: every second task, from its first probe on.";

const EFFECTIVE_STEP_STYLE: Style = Style::line(BLACK, 1.6);
const NOISE_STYLE: Style = Style::line("#0072B2", 1.1);
const VOLATILITY_STYLE: Style = Style::line("#E69F00", 1.1);
const COMBINED_STYLE: Style = Style::line("#009E73", 1.4);

/// Draws the effective step size of each layer among its bounds, for `BASE.svg` and `BASE.png`. Each arm has a column, in
/// order of first appearance. The top row shows the online accuracy by task. Below it is a row per layer, and the network's
/// last. These rows show the effective step size and the gradient-noise, curvature-volatility and combined bounds against
/// the update.
///
/// An accuracy is drawn in the middle of the arm's probes of the task. A task without a probe is left out and counted in the
/// notes. Steps and bounds are medians over the seeds. Their axes are logarithmic, and equal within a row. Values beyond 100
/// times the largest effective step size or a thousandth of the smallest are cut off. A mark at the bottom shows where more
/// than half of an arm's seeds violate the combined bound.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite.
/// - [`ReportError::Chart`] where there is nothing to draw, or two rows of one task or of one layer's probe.
pub(super) fn diagnosis(base: &Path, rows: Rows) -> Result<Drawing, ReportError> {
    let quantities = [
        (&VOLATILITY, VOLATILITY_STYLE),
        (&NOISE, NOISE_STYLE),
        (&COMBINED, COMBINED_STYLE),
        (&EFFECTIVE_STEP, EFFECTIVE_STEP_STYLE),
    ];
    let title = "Each layer's effective step size and its bounds";
    let layers = layers(rows.probes);
    drawn(base, rows, || {
        bounds_grid(rows, title, &quantities, &layers)
    })
}

/// Draws the picture of [`diagnosis`] without the network's row, and with the combined bound only.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite.
/// - [`ReportError::Chart`] where there is nothing to draw, or two rows of one task or of one layer's probe.
pub(super) fn layer_bounds(base: &Path, rows: Rows) -> Result<Drawing, ReportError> {
    let quantities = [
        (&COMBINED, COMBINED_STYLE),
        (&EFFECTIVE_STEP, EFFECTIVE_STEP_STYLE),
    ];
    let title = "Each layer's effective step size and combined bound";
    let layers = rows.layers();
    drawn(base, rows, || {
        bounds_grid(rows, title, &quantities, &layers)
    })
}

/// Draws online accuracy by task, for `BASE.svg` and `BASE.png`. Each group of arms has a panel, side by side, in order of
/// first appearance. An arm's group is the part of its name before ": ". The legend shows the part after it, once for all
/// groups. Arms without ": " form one group.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite.
/// - [`ReportError::Chart`] where there is nothing to draw, or two rows of one task or of one layer's probe.
pub(super) fn accuracies(base: &Path, rows: Rows) -> Result<Drawing, ReportError> {
    let rows = Rows {
        probes: &[],
        ..rows
    };
    drawn(base, rows, || accuracies_grid(rows))
}

/// Draws the step sizes of groups of arms, for `BASE.svg` and `BASE.png`. Each group of [`accuracies`] has a column. The top
/// row shows the online accuracy by task, placed as in [`diagnosis`]. Below it each layer has two rows, with the step size
/// and the effective step size of every arm against the update. Axes of step sizes are equal within a row. They are
/// logarithmic, or symmetric (linear around zero, logarithmic beyond) where a value is not positive.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite.
/// - [`ReportError::Chart`] where there is nothing to draw, or two rows of one task or of one layer's probe.
pub(super) fn trajectories(base: &Path, rows: Rows) -> Result<Drawing, ReportError> {
    drawn(base, rows, || trajectories_grid(rows))
}

/// Draws sharpness and effective step size against the update, for `BASE.svg` and `BASE.png`. Each layer and the network has
/// a row of panels, with a curve per arm. Axes are of the kinds in [`trajectories`], but each panel has its own. The notes
/// count eigenvalues that had not converged, which are drawn too.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a value that is not finite.
/// - [`ReportError::Chart`] where there is nothing to draw, or two rows of one task or of one layer's probe.
pub(super) fn probe_chart(base: &Path, rows: Rows) -> Result<Drawing, ReportError> {
    let rows = Rows { tasks: &[], ..rows };
    drawn(base, rows, || probes_grid(rows))
}

fn drawn(
    base: &Path,
    rows: Rows,
    grid: impl FnOnce() -> Result<Grid, String>,
) -> Result<Drawing, ReportError> {
    rows.check_distinct(base)?;
    draw_grid(base, &grid().map_err(|reason| chart_error(base, reason))?)
}

fn bounds_grid(
    rows: Rows,
    title: &str,
    quantities: &[(&Quantity, Style)],
    layers: &[&str],
) -> Result<Grid, String> {
    let group = |arm| Group {
        heading: arm,
        arms: vec![(arm, ACCURACY_STYLE)],
    };
    let groups: Vec<_> = rows.arms().into_iter().map(group).collect();
    let mut panels = accuracy_row(rows.subject, &groups, |arm| rows.accuracy_by_update(arm));
    for layer in layers {
        panels.extend(bounds_row(rows, &groups, quantities, layer));
    }
    let caption = format!(
        "Top: mean over seeds, in the middle of a task's probes; band: lowest to highest. Below: medians over seeds; a \
         bound is missing while it has too few probes, and where it is infinite. Values above {MOST_ABOVE} times a row's \
         largest effective step size, or below 1/{MOST_BELOW} of its smallest, are cut off. {GROUND}"
    );
    let lines = quantities.iter().rev();
    let lines = lines.map(|(quantity, style)| (Key::Line(*style), capitalised(quantity.name)));
    let mark = (
        Key::Mark,
        "Most seeds violate the combined bound".to_owned(),
    );
    let legend = lines
        .chain([mark])
        .chain(chance_key(rows.subject))
        .collect();
    let notes = [
        unplaced_note(rows),
        end_of_updates(rows, "means and medians are"),
    ];
    grid_of_updates(
        rows,
        title,
        caption,
        notes,
        legend,
        columns(rows, &groups),
        panels,
    )
}

fn accuracies_grid(rows: Rows) -> Result<Grid, String> {
    let arms = rows.arms();
    let groups = groups(&arms);
    let panels = accuracy_row(rows.subject, &groups, |arm| rows.accuracy_by_task(arm));
    let ends: Vec<_> = arms
        .iter()
        .map(|arm| (*arm, rows.last_tasks(arm)))
        .collect();
    let notes = [
        Some(CENTRE.to_owned()),
        missing_note(panels.iter().flat_map(|panel| &panel.curves)),
        end_note(|arm| rows.subject.run_of(arm), &ends, "task", "the mean is"),
    ];
    let column = |group: &Group| Column {
        heading: group.heading.to_owned(),
        switches: Vec::new(),
    };
    Ok(Grid {
        title: rows
            .subject
            .title(&format!("{} by task", capitalised(rows.subject.score))),
        notes: notes.into_iter().flatten().collect(),
        legend: legend_of_arms(rows.subject, &groups),
        x_label: "Task",
        panel_height: TALL_PANEL,
        x: x_range(rows.tasks.iter().map(|row| row.task))?,
        columns: groups.iter().map(column).collect(),
        panels,
    })
}

fn trajectories_grid(rows: Rows) -> Result<Grid, String> {
    let groups = groups(&rows.arms());
    let mut panels = accuracy_row(rows.subject, &groups, |arm| rows.accuracy_by_update(arm));
    for layer in rows.layers() {
        panels.extend(quantity_row(rows, &groups, &STEP, layer));
        panels.extend(quantity_row(rows, &groups, &EFFECTIVE_STEP, layer));
    }
    let score = rows.subject.score;
    let title = format!("{} and step sizes, layer by layer", capitalised(score));
    let caption = format!("{CENTRE} The {score} stands in the middle of a task's probes. {GROUND}");
    let legend = legend_of_arms(rows.subject, &groups);
    let notes = [unplaced_note(rows), end_of_updates(rows, "the mean is")];
    grid_of_updates(
        rows,
        &title,
        caption,
        notes,
        legend,
        columns(rows, &groups),
        panels,
    )
}

fn probes_grid(rows: Rows) -> Result<Grid, String> {
    let arms = rows.arms().into_iter().enumerate();
    let arms: Vec<_> = arms.map(|(i, arm)| (arm, Style::of_arm(i))).collect();
    let legend = arms
        .iter()
        .map(|(arm, style)| (Key::Line(*style), (*arm).to_owned()));
    let legend = legend.collect();
    let quantities = [
        ("Sharpness (loss per parameter²)", &SHARPNESS),
        ("Effective step size (parameter² per loss)", &EFFECTIVE_STEP),
    ];
    let column = |(heading, _): (&str, _)| Column {
        heading: heading.to_owned(),
        switches: task_switches(rows.probes),
    };
    let columns = quantities.map(column).into();
    let all = [Group { heading: "", arms }];
    let panels = layers(rows.probes).into_iter().flat_map(|layer| {
        quantities.map(|(_, quantity)| quantity_row(rows, &all, quantity, layer))
    });
    let panels = panels.flatten().collect();
    let notes = [end_of_updates(rows, "the mean is"), unconverged_note(rows)];
    let title = "Sharpness and effective step size";
    grid_of_updates(
        rows,
        title,
        format!("{CENTRE} {GROUND}"),
        notes,
        legend,
        columns,
        panels,
    )
}

/// Draws a grid of curves against the update. Its notes are the caption, the gaps and `notes`.
fn grid_of_updates(
    rows: Rows,
    title: &str,
    caption: String,
    notes: [Option<String>; 2],
    legend: Vec<(Key, String)>,
    columns: Vec<Column>,
    panels: Vec<Panel>,
) -> Result<Grid, String> {
    let missing = missing_note(panels.iter().flat_map(|panel| &panel.curves));
    let notes = [Some(caption), missing].into_iter().chain(notes);
    Ok(Grid {
        title: rows.subject.title(title),
        notes: notes.flatten().collect(),
        legend,
        x_label: UPDATES,
        panel_height: PANEL_HEIGHT,
        x: x_range(rows.probes.iter().map(|row| row.update))?,
        columns,
        panels,
    })
}

/// Returns a column per group, with the task switches of the group's arms.
fn columns(rows: Rows, groups: &[Group]) -> Vec<Column> {
    let column = |group: &Group| {
        let own = rows.probes.iter();
        let own = own.filter(|row| group.arms.iter().any(|(arm, _)| *arm == row.arm));
        Column {
            heading: group.heading.to_owned(),
            switches: task_switches(own),
        }
    };
    groups.iter().map(column).collect()
}

fn end_of_updates(rows: Rows, centre: &str) -> Option<String> {
    let end = |arm| (arm, last_updates(rows.probes, arm));
    let ends: Vec<_> = rows.arms().into_iter().map(end).collect();
    end_note(|arm| rows.subject.run_of(arm), &ends, "update", centre)
}

/// Returns a note such as "Not drawn: accuracies of tasks without a probe, 3 in ReLU."
fn unplaced_note(rows: Rows) -> Option<String> {
    let arms = rows.arms().into_iter();
    let per_arm = per_arm(arms.map(|arm| (arm, rows.unplaced_tasks(arm))))?;
    Some(format!(
        "Not drawn: accuracies of tasks without a probe, {per_arm}."
    ))
}

fn unconverged_note(rows: Rows) -> Option<String> {
    let probes = rows.probes.iter();
    let bare = probes.filter(|row| row.sharpness.is_some() && !row.converged);
    let per_arm = per_arm(bare.map(|row| (&row.arm[..], 1)))?;
    Some(format!(
        "Drawn though the iteration had not converged: {per_arm}."
    ))
}

/// Returns the legend: each variant once, then chance.
fn legend_of_arms(subject: &Subject, groups: &[Group]) -> Vec<(Key, String)> {
    let arms = || groups.iter().flat_map(|group| &group.arms);
    let entry = |name: &str| {
        let (_, style) = arms().find(|(arm, _)| variant(arm) == name)?;
        Some((Key::Line(*style), name.to_owned()))
    };
    let names = distinct(arms().map(|(arm, _)| variant(arm))).into_iter();
    names.filter_map(entry).chain(chance_key(subject)).collect()
}

fn chance_key(subject: &Subject) -> Option<(Key, String)> {
    let classes = subject.classes?;
    Some((Key::Reference, format!("Chance (1 in {classes})")))
}

#[cfg(test)]
mod tests;
