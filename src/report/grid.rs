//! A grid of panels, drawn by kuva's `Figure`. A heading, notes and a legend are above the columns, and the panels of a
//! column share their horizontal axis.
//!
//! - `head`: the title, the notes and the legend.
//! - `layout`: the axes, headings and background of a panel.
//! - `plots`: the curves of a panel.

mod head;
mod layout;
mod plots;

use std::path::Path;

use kuva::plot::MarkerShape;
use kuva::render::figure::Figure;
use kuva::render::render::Scene;

use super::drawing::{BLACK, Drawing, GREY, check_points, colour, extent, label, marker, theme};
use super::scale::Scale;
use super::{BandPoint, ReportError};
use head::{legend, plain, text};
use layout::{heading_height, layout, panel_layout};
use plots::panel_plots;

/// The height of a panel in pixels, and the pixels above and below its axes.
pub(super) const PANEL_HEIGHT: f64 = 158.0;
const PANEL_TOP: f64 = 28.0;
const PANEL_BOTTOM: f64 = 8.0;
/// The smallest width of a panel, and of the whole picture.
const LEAST_PANEL_WIDTH: f64 = 370.0;
const LEAST_WIDTH: f64 = 880.0;
/// The pixels below the last row, for the numbers and the name of the horizontal axis.
const BOTTOM: f64 = 48.0;
/// The pixels around the whole picture.
const PADDING: f64 = 10.0;

/// The sizes of text: the picture's title, and all else.
const TITLE: u32 = 20;
const TEXT: u32 = 14;
/// The width of a letter and the distance between lines, as multiples of the text size, as kuva wraps text.
const LETTER: f64 = 0.6;
const LINE: f64 = 1.55;
/// The colour of event marks.
const MARK: &str = "#B00020";

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
}
