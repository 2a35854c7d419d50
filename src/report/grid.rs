//! A grid of panels, drawn by kuva's `Figure`. A heading, notes and a legend are above the columns, and the panels of a
//! column share their horizontal axis.

use std::path::Path;

use kuva::plot::legend::{LegendEntry, LegendShape};
use kuva::plot::legend_plot::LegendPlot;
use kuva::plot::text::TextPlot;
use kuva::plot::{BandPlot, LinePlot, MarkerShape, ScatterPlot};
use kuva::render::annotations::{ReferenceLine, ShadedRegion};
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::Scene;
use kuva::render::render_utils::{compute_tick_step, wrap_text};

use super::drawing::{BLACK, Drawing, GREY, check_points, colour, extent, label, marker, theme};
use super::scale::Scale;
use super::{BandPoint, ReportError};

/// The height of a panel in pixels, and the pixels of a panel outside its axes.
pub(super) const PANEL_HEIGHT: f64 = 158.0;
const PANEL_LEFT: f64 = 68.0;
const PANEL_RIGHT: f64 = 14.0;
const PANEL_TOP: f64 = 28.0;
const PANEL_BOTTOM: f64 = 8.0;
/// The smallest width of a panel, and of the whole picture.
const LEAST_PANEL_WIDTH: f64 = 370.0;
const LEAST_WIDTH: f64 = 880.0;
/// The pixels below the last row, for the numbers and the name of the horizontal axis.
const BOTTOM: f64 = 48.0;
/// The pixels around the whole picture.
const PADDING: f64 = 10.0;
/// The pixels from one number of a horizontal axis to the next.
const TICK_ROOM: f64 = 58.0;

/// The sizes of text.
const TITLE: u32 = 20;
const TEXT: u32 = 14;
const NUMBER: u32 = 13;
const COLUMN: u32 = 15;
/// The width of a letter and the distance between lines, as multiples of the text size, as kuva wraps text.
const LETTER: f64 = 0.6;
const LINE: f64 = 1.55;
/// The pixels of a legend's entry besides its name.
const LEGEND_SAMPLE: f64 = 45.0;

/// Curves with more points than this have thinner lines.
const DENSE: usize = 400;
/// The number of markers on a curve without gaps.
const MARKERS: usize = 12;
const BAND_OPACITY: f64 = 0.18;
/// The dashes of a dashed line. kuva's PNGs do not scale dashes, and round their ends, so the gaps must be wide.
const DASHES: &str = "10 8";
/// The background colour of every second task.
pub(super) const TASK: &str = "#a6a6a6";
const TASK_OPACITY: f64 = 0.2;
/// The colour of event marks, and the share of the frame that they take.
const MARK: &str = "#B00020";
const MARK_HEIGHT: f64 = 0.06;
const MARK_WIDTH: f64 = 1.2;

/// A picture of panels.
pub(super) struct Grid {
    pub(super) title: String,
    /// Paragraphs below the title.
    pub(super) notes: Vec<String>,
    pub(super) legend: Vec<(Key, String)>,
    pub(super) x_label: &'static str,
    pub(super) panel_height: f64,
    /// The horizontal range that all columns show.
    pub(super) x: (u32, u32),
    pub(super) columns: Vec<Column>,
    /// The panels, row by row.
    pub(super) panels: Vec<Panel>,
}

/// The properties that the panels of a column share.
pub(super) struct Column {
    /// The heading; none if empty.
    pub(super) heading: String,
    /// The first positions of new tasks. Every second task has a grey background.
    pub(super) switches: Vec<u32>,
}

/// Curves in a frame.
pub(super) struct Panel {
    pub(super) heading: String,
    pub(super) scale: Scale,
    /// The value of a dashed line across the frame.
    pub(super) reference: Option<f64>,
    /// The curves, from back to front.
    pub(super) curves: Vec<Curve>,
    /// The positions of events, which are marked at the bottom.
    pub(super) marks: Vec<u32>,
}

/// A curve with a band, which may have gaps.
pub(super) struct Curve {
    pub(super) arm: String,
    /// The part of the network; empty if there is none.
    pub(super) place: String,
    pub(super) quantity: &'static str,
    pub(super) style: Style,
    /// The points between the gaps.
    pub(super) runs: Vec<Vec<BandPoint>>,
    /// The number of values that are missing in the gaps.
    pub(super) missing: usize,
}

impl Curve {
    /// Returns the curve's name in an error.
    fn name(&self) -> String {
        let parts = [&self.arm, &self.place, self.quantity];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    }
}

/// The style of a curve.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) colour: &'static str,
    pub(super) width: f64,
    pub(super) marker: Option<MarkerShape>,
}

impl Style {
    /// Returns the style of arm `i`, which is the same in all pictures.
    pub(super) fn of_arm(i: usize) -> Self {
        Self {
            marker: Some(marker(i)),
            ..Self::line(colour(i), 1.5)
        }
    }

    pub(super) const fn line(colour: &'static str, width: f64) -> Self {
        Self {
            colour,
            width,
            marker: None,
        }
    }
}

/// A mark that a legend explains.
#[derive(Clone, Copy)]
pub(super) enum Key {
    /// A curve.
    Line(Style),
    /// The dashed line.
    Reference,
    /// The mark of an event.
    Mark,
}

/// Draws `grid` for `BASE.svg` and `BASE.png`. Fails for a point that is not finite.
pub(super) fn draw_grid(base: &Path, grid: &Grid) -> Result<Drawing, ReportError> {
    for curve in grid.panels.iter().flat_map(|panel| &panel.curves) {
        check_points(base, &curve.name(), curve.runs.iter().flatten())?;
    }
    Ok(Drawing::new(base, draw(grid)))
}

/// Returns the values of all lines and bands.
pub(super) fn values(curves: &[Curve]) -> impl Iterator<Item = f64> {
    let points = curves.iter().flat_map(|curve| curve.runs.iter().flatten());
    points.flat_map(|point| [point.low, point.mean, point.high])
}

/// Returns the first and the last of `places`, or an error text if there is none.
pub(super) fn x_range(places: impl Iterator<Item = u32>) -> Result<(u32, u32), String> {
    let (first, last) = extent(places.map(f64::from)).ok_or("there is no point")?;
    Ok((first as u32, last as u32))
}

/// Draws the title, the notes and the legend, which span all columns, and then the rows of panels.
fn draw(grid: &Grid) -> Scene {
    let columns = grid.columns.len();
    let width = LEAST_PANEL_WIDTH.max(LEAST_WIDTH / columns as f64);
    let whole = width * columns as f64;
    let title = [format!("**{}**", plain(&grid.title))];
    let notes: Vec<_> = grid.notes.iter().map(|note| plain(note)).collect();
    let head = [
        text(&title, TITLE, BLACK, whole),
        text(&notes, TEXT, GREY, whole),
        legend(grid, whole),
    ];
    let (spans, rows) = (head.len(), grid.panels.len().div_ceil(columns));
    let cells = (0..spans).map(|row| (row * columns..(row + 1) * columns).collect());
    let cells = cells.chain((spans * columns..(spans + rows) * columns).map(|cell| vec![cell]));
    let mut figure = Figure::new(spans + rows, columns)
        .with_structure(cells.collect())
        .with_cell_size(width, grid.panel_height)
        .with_spacing(0.0)
        .with_padding(PADDING)
        .with_shared_x_all();
    let (mut plots, mut layouts) = (Vec::new(), Vec::new());
    for (row, (plot, height)) in head.into_iter().enumerate() {
        figure = figure.with_row_height(row, height);
        plots.push(vec![plot]);
        let bare = layout((0.0, 1.0)).with_force_margins(0.0, 0.0);
        layouts.push(bare.with_force_margins_y(4.0, 0.0));
    }
    for (row, panels) in grid.panels.chunks(columns).enumerate() {
        let heading = if row == 0 {
            heading_height(grid, width)
        } else {
            0.0
        };
        let below = if row + 1 == rows { BOTTOM } else { 0.0 };
        figure = figure.with_row_height(spans + row, grid.panel_height + heading + below);
        let margins = (PANEL_TOP + heading, PANEL_BOTTOM + below);
        for (panel, column) in panels.iter().zip(&grid.columns) {
            let mut layout = panel_layout(grid, panel, column, width);
            if heading > 0.0 {
                layout = layout.with_title(label(&column.heading));
            }
            layouts.push(layout.with_force_margins_y(margins.0, margins.1));
            plots.push(panel_plots(panel));
        }
    }
    figure.with_plots(plots).with_layouts(layouts).render()
}

/// Returns `text` without markup. Characters that kuva would read as markup are replaced by similar ones.
fn plain(text: &str) -> String {
    let text = label(text).replace('*', "\u{2217}");
    text.replace('`', "\u{2018}").replace("__", "_\u{2060}_")
}

/// Returns a plot of the paragraphs, and its height in pixels.
fn text(paragraphs: &[String], size: u32, colour: &str, width: f64) -> (Plot, f64) {
    let letters = (width / (f64::from(size) * LETTER)) as usize;
    let lines = paragraphs.iter().map(|one| wrap_text(one, letters).len());
    let height = (lines.sum::<usize>() as f64 * LINE + 0.25) * f64::from(size);
    let text = TextPlot::new()
        .with_body(paragraphs.join("\n"))
        .with_font_size(size)
        .with_text_color(colour)
        .with_padding(0.0);
    (Plot::Text(text), height)
}

/// Returns the legend in as many columns as fit, and its height in pixels.
fn legend(grid: &Grid, width: f64) -> (Plot, f64) {
    let letters = grid.legend.iter().map(|(_, name)| name.chars().count());
    let entry = LEGEND_SAMPLE + letters.max().unwrap_or(0) as f64 * f64::from(TEXT) * LETTER;
    let columns = ((width / entry) as usize).clamp(1, grid.legend.len().max(1));
    let rows = grid.legend.len().div_ceil(columns);
    let entries = grid
        .legend
        .iter()
        .map(|(key, name)| legend_entry(*key, name));
    let legend = LegendPlot::from_entries(entries.collect())
        .with_cols(columns)
        .with_max_cols(columns)
        .without_box();
    (
        Plot::LegendPlot(legend),
        rows as f64 * f64::from(TEXT) * LINE,
    )
}

fn legend_entry(key: Key, name: &str) -> LegendEntry {
    let (colour, shape) = match key {
        Key::Line(style) => (
            style.colour,
            style.marker.map_or(LegendShape::Line, LegendShape::Marker),
        ),
        Key::Reference => (GREY, LegendShape::Line),
        Key::Mark => (MARK, LegendShape::Rect),
    };
    LegendEntry {
        label: label(name),
        color: colour.to_owned(),
        shape,
        dasharray: matches!(key, Key::Reference).then(|| "6 6 6".to_owned()),
    }
}

/// Returns the number of letters in a line of a column's heading.
fn heading_letters(width: f64) -> usize {
    ((width - PANEL_LEFT) / (f64::from(COLUMN) * LETTER)) as usize
}

/// Returns the height in pixels of the longest heading of the columns.
fn heading_height(grid: &Grid, width: f64) -> f64 {
    let named = grid
        .columns
        .iter()
        .filter(|column| !column.heading.is_empty());
    let lines =
        named.map(|column| wrap_text(&label(&column.heading), heading_letters(width)).len());
    lines.max().unwrap_or(0) as f64 * f64::from(COLUMN) * 1.3
}

/// Returns the layout that all cells share.
fn layout(x: (f64, f64)) -> Layout {
    Layout::new(x, (0.0, 1.0))
        .with_theme(theme())
        .with_title_size(COLUMN)
        .with_subtitle_size(TEXT)
        .with_label_size(TEXT)
        .with_body_size(TEXT)
        .with_tick_size(NUMBER)
}

fn panel_layout(grid: &Grid, panel: &Panel, column: &Column, width: f64) -> Layout {
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
        .with_x_tick_step(compute_tick_step(low, high, numbers).max(1.0))
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

/// Returns the plots of a panel from back to front: bands, lines, markers, marks. The first is empty, because kuva draws no
/// frame without a plot.
fn panel_plots(panel: &Panel) -> Vec<Plot> {
    let lengths = panel
        .curves
        .iter()
        .map(|curve| curve.runs.iter().map(Vec::len).sum());
    let longest = lengths.max().unwrap_or(0);
    let runs = panel
        .curves
        .iter()
        .flat_map(|curve| curve.runs.iter().map(|run| (curve.style, run)));
    let runs: Vec<_> = runs
        .map(|(style, run)| (style, on_scale(panel.scale, run)))
        .collect();
    let is_wide = |run: &[BandPoint]| run.iter().any(|point| point.low < point.high);
    let bands = runs
        .iter()
        .filter(|(_, run)| is_wide(run))
        .map(|(style, run)| band(*style, run));
    let lines = runs.iter().map(|(style, run)| line(*style, run, longest));
    let markers = runs
        .iter()
        .filter_map(|(style, run)| markers(*style, run, longest));
    let marks = panel.marks.iter().map(|place| mark(panel.scale, *place));
    let frame = [Plot::Line(LinePlot::new())].into_iter();
    let curves = frame.chain(bands).chain(lines).chain(markers);
    curves.chain(marks).collect()
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

fn band(style: Style, points: &[BandPoint]) -> Plot {
    let band = BandPlot::new(
        points.iter().map(|point| point.x),
        points.iter().map(|point| point.low),
        points.iter().map(|point| point.high),
    );
    Plot::Band(band.with_color(style.colour).with_opacity(BAND_OPACITY))
}

/// Draws a line through a curve's means. A single point has no band, so it gets an error bar.
fn line(style: Style, points: &[BandPoint], longest: usize) -> Plot {
    let line = LinePlot::new()
        .with_data(points.iter().map(|point| (point.x, point.mean)))
        .with_color(style.colour)
        .with_stroke_width(style.width * if longest > DENSE { 0.7 } else { 1.0 });
    Plot::Line(match points {
        [only] => line.with_y_err_asymmetric([(only.mean - only.low, only.high - only.mean)]),
        _ => line,
    })
}

/// Draws markers on a curve's means, equally dense on all curves of a panel. The longest curve has `longest` points. The
/// first point has a marker.
fn markers(style: Style, points: &[BandPoint], longest: usize) -> Option<Plot> {
    let marked = points.iter().step_by(longest.div_ceil(MARKERS).max(1));
    let markers = ScatterPlot::new()
        .with_data(marked.map(|point| (point.x, point.mean)))
        .with_color(style.colour)
        .with_marker(style.marker?)
        .with_size(3.0);
    Some(Plot::Scatter(markers))
}

/// Draws a short stroke that stands on the bottom.
fn mark(scale: Scale, place: u32) -> Plot {
    let ends = [0.0, MARK_HEIGHT].map(|share| (f64::from(place), scale.place(share)));
    let stroke = LinePlot::new().with_data(ends).with_color(MARK);
    Plot::Line(stroke.with_stroke_width(MARK_WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_grid(columns: usize) -> Grid {
        let panel = || Panel {
            heading: "Empty".to_owned(),
            scale: Scale::SHARE,
            reference: Some(0.5),
            curves: Vec::new(),
            marks: vec![50],
        };
        let column = || Column {
            heading: "Column".to_owned(),
            switches: vec![20, 60],
        };
        Grid {
            title: "Title".to_owned(),
            notes: vec!["Note".to_owned()],
            legend: vec![
                (Key::Mark, "event".to_owned()),
                (Key::Reference, "line".to_owned()),
            ],
            x_label: "Update",
            panel_height: PANEL_HEIGHT,
            x: (0, 100),
            columns: (0..columns).map(|_| column()).collect(),
            panels: (0..2 * columns).map(|_| panel()).collect(),
        }
    }

    #[test]
    fn a_picture_is_as_wide_as_its_columns() {
        for (columns, width) in [(1, 900.0), (2, 900.0), (4, 1_500.0)] {
            assert_eq!(draw(&empty_grid(columns)).width, width, "{columns}");
        }
    }

    #[test]
    fn only_the_last_row_has_the_horizontal_axis_name_and_numbers() {
        let svg = Drawing::new(Path::new("x"), draw(&empty_grid(3)));
        let count = |text: &str| svg.svg().matches(&format!(">{text}<")).count();
        assert_eq!((count("Update"), count("100"), count("Empty")), (3, 3, 6));
        assert_eq!((count("Title"), count("Note"), count("event")), (1, 1, 1));
    }

    #[test]
    fn longer_words_make_a_picture_higher() {
        fn words() -> String {
            "word ".repeat(50)
        }
        let height = |change: fn(&mut Grid)| {
            let mut grid = empty_grid(4);
            change(&mut grid);
            draw(&grid).height
        };
        let plain = height(|_| {});
        let line = LINE * f64::from(TEXT);
        assert!((height(|grid| grid.notes.push(words())) - plain - 2.0 * line).abs() < 1e-9);
        let long_legend = height(|grid| grid.legend[0].1 = "event ".repeat(30));
        assert!((long_legend - plain - line).abs() < 1e-9);
        assert!(height(|grid| grid.columns[1].heading = words()) > plain);
    }

    #[test]
    fn markup_in_a_text_is_drawn_as_text() {
        assert_eq!(
            plain("*a* __b__ `c` $d$"),
            "∗a∗ _\u{2060}_b_\u{2060}_ ‘c‘ \\$d\\$"
        );
    }
}
