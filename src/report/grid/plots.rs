//! The plots of a panel: bands, lines, markers, and marks of events.

use kuva::plot::{BandPlot, LinePlot, ScatterPlot};
use kuva::render::plots::Plot;

use super::{BandPoint, MARK, Panel, Scale, Style};

/// Curves with more points than this have thinner lines.
const DENSE: usize = 400;
/// The number of markers on a curve without gaps.
const MARKERS: usize = 12;
const BAND_OPACITY: f64 = 0.18;
/// The share of the frame that an event's mark takes, and its width in pixels.
const MARK_HEIGHT: f64 = 0.06;
const MARK_WIDTH: f64 = 1.2;

/// Returns the plots of a panel from back to front: bands, lines, markers, marks. The first is empty, because kuva draws no
/// frame without a plot.
pub(super) fn panel_plots(panel: &Panel) -> Vec<Plot> {
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
