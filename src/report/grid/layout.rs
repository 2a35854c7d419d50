//! The layout of a panel: its axes, its headings, and what lies behind its curves.

use kuva::render::annotations::{ReferenceLine, ShadedRegion};
use kuva::render::layout::Layout;
use kuva::render::render_utils::{compute_tick_step, wrap_text};

use super::{Column, GREY, Grid, LETTER, Panel, TEXT, label, theme};

/// The pixels to the left and to the right of a panel's axes.
const PANEL_LEFT: f64 = 68.0;
const PANEL_RIGHT: f64 = 14.0;
/// The pixels from one number of a horizontal axis to the next.
const TICK_ROOM: f64 = 58.0;
/// The sizes of the axes' numbers and of a column's heading.
const NUMBER: u32 = 13;
const COLUMN: u32 = 15;
/// The dashes of a dashed line. kuva's PNGs do not scale dashes, and round their ends, so the gaps must be wide.
const DASHES: &str = "10 8";
/// The background colour of every second task.
const TASK: &str = "#a6a6a6";
const TASK_OPACITY: f64 = 0.2;

/// Returns the number of letters in a line of a column's heading.
pub(super) fn heading_letters(width: f64) -> usize {
    ((width - PANEL_LEFT) / (f64::from(COLUMN) * LETTER)) as usize
}

/// Returns the height in pixels of the longest heading of the columns.
pub(super) fn heading_height(grid: &Grid, width: f64) -> f64 {
    let named = grid
        .columns
        .iter()
        .filter(|column| !column.heading.is_empty());
    let lines =
        named.map(|column| wrap_text(&label(&column.heading), heading_letters(width)).len());
    lines.max().unwrap_or(0) as f64 * f64::from(COLUMN) * 1.3
}

/// Returns the layout that all cells share.
pub(super) fn layout(x: (f64, f64)) -> Layout {
    Layout::new(x, (0.0, 1.0))
        .with_theme(theme())
        .with_title_size(COLUMN)
        .with_subtitle_size(TEXT)
        .with_label_size(TEXT)
        .with_body_size(TEXT)
        .with_tick_size(NUMBER)
}

/// Returns the step between about `numbers` ticks from `low` to `high`: a whole number, because positions are counted.
fn whole_tick_step(low: f64, high: f64, numbers: usize) -> f64 {
    let step = compute_tick_step(low, high, numbers).max(1.0);
    // The library chooses 1, 2, 2.5 or 5 times a power of ten; only 2.5 has a fraction here.
    if step.fract() == 0.0 {
        step
    } else {
        2.0 * step
    }
}

/// Returns the layout of one panel.
pub(super) fn panel_layout(grid: &Grid, panel: &Panel, column: &Column, width: f64) -> Layout {
    let (first, last) = (f64::from(grid.x.0), f64::from(grid.x.1));
    // A single position gets half a unit on either side.
    let room = if first < last {
        0.02 * (last - first)
    } else {
        0.5
    };
    let (low, high) = (first - room, last + room);
    let numbers = ((width - PANEL_LEFT - PANEL_RIGHT) / TICK_ROOM) as usize;
    let mut layout = layout((low, high))
        .with_x_axis_min(low)
        .with_x_axis_max(high)
        .with_x_tick_step(whole_tick_step(low, high, numbers))
        .with_x_label(grid.x_label)
        .with_x_label_offset(0.0, -6.0)
        .with_title_wrap(heading_letters(width))
        .with_subtitle(label(&panel.heading))
        .with_force_margins(PANEL_LEFT, PANEL_RIGHT);
    let ends = column
        .switches
        .iter()
        .copied()
        .chain([grid.x.1])
        .map(f64::from);
    let ends: Vec<_> = ends.collect();
    for task in ends.chunks(2).filter(|task| task.len() == 2) {
        let region = ShadedRegion::vertical(task[0], task[1]).with_color(TASK);
        layout = layout.with_shaded_region(region.with_opacity(TASK_OPACITY));
    }
    if let Some(value) = panel.reference {
        let line = ReferenceLine::horizontal(value)
            .with_color(GREY)
            .with_stroke_width(1.25);
        layout = layout.with_reference_line(line.with_dasharray(DASHES));
    }
    panel.scale.applied(layout)
}

#[cfg(test)]
mod tests {
    use super::whole_tick_step;

    #[test]
    fn ticks_are_at_whole_positions() {
        for last in 1..=200 {
            for numbers in 2..=12 {
                let step = whole_tick_step(0.0, f64::from(last), numbers);
                assert!(
                    step >= 1.0 && step.fract() == 0.0,
                    "{last}, {numbers}: {step}"
                );
            }
        }
        // Where a step of 2.5 would be, 5 is.
        assert_eq!(whole_tick_step(0.0, 10.0, 4), 5.0);
    }
}
