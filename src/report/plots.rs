//! Charts: a set of curves with bands, drawn by kuva to SVG and PNG. What `grid` draws with, too.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::{LegendEntry, LegendShape};
use kuva::plot::{BandPlot, LinePlot, LineStyle, MarkerShape, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Primitive, Scene, TextAnchor, TextSpan, render_multiple};
use kuva::render::render_utils::wrap_text;
use kuva::render::theme::Theme;

use super::{BandPoint, ReportError, Series};
use crate::files::write_whole;

/// Pixels of the SVG; the PNG has [`PNG_SCALE`] times as many each way.
pub(super) const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const PNG_SCALE: f32 = 2.0;
/// Between the picture's edge and its text, and between the heading and the plot.
pub(super) const MARGIN: f64 = 20.0;
/// Room for the horizontal axis' numbers and name.
const BOTTOM: f64 = 62.0;

/// Told apart by colour-blind readers too. Okabe and Ito, "Color Universal Design", 2008; its yellow, unreadable on
/// white, is left out.
const COLOURS: [&str; 7] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
];
/// Four to seven colours: 28 curves before a pair comes again.
const MARKERS: [MarkerShape; 4] = [
    MarkerShape::Circle,
    MarkerShape::Square,
    MarkerShape::Triangle,
    MarkerShape::Diamond,
];
pub(super) const BLACK: &str = "#000000";
pub(super) const GREY: &str = "#595959";
pub(super) const TITLE: Font = Font::new(22, true, BLACK);
const SUBTITLE: Font = Font::new(15, false, GREY);
const AXIS_NAME: Font = Font::new(16, false, BLACK);

const BAND_OPACITY: f64 = 0.18;
/// Longer curves have a marker only at every second point, or third, and so on.
const MOST_MARKERS: usize = 40;
/// kuva's PNGs do not scale dashes and round their ends: the gaps have to be wide.
const DASHES: &str = "10 8";
const LEGEND_DASHES: &str = "6 6 6";
/// Characters of a line in the legend.
const LEGEND_WRAP: usize = 26;

/// What a chart says besides its curves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// The heading; none if empty.
    pub title: String,
    /// A smaller line below it; none if empty.
    pub subtitle: String,
    /// The horizontal axis.
    pub x_label: String,
    /// The vertical axis.
    pub y_label: String,
    /// The vertical axis runs from the first number to the second, with a hair's breadth around them; what lies
    /// outside is cut off. `None`: it fits the data.
    pub y_range: Option<(f64, f64)>,
    /// A dashed horizontal line at a height, and its name in the legend.
    pub reference: Option<(f64, String)>,
}

/// Draws `series` to `BASE.svg` (900 x 520) and `BASE.png` (1800 x 1040), each whole or absent.
///
/// A legend that is too long for the picture ends in the number of curves that it leaves out.
///
/// # Errors
/// - [`ReportError::NotFinite`] for a point that is not finite; nothing is written then.
/// - [`ReportError::Chart`] when there is no point at all, when an axis cannot hold its numbers or when no PNG can be
///   made; nothing is written either.
/// - [`ReportError::Write`] when the file system refuses.
pub fn write_chart(base: &Path, chart: &Chart, series: &[Series]) -> Result<(), ReportError> {
    for one in series {
        check_points(base, &one.name, &one.points)?;
    }
    Drawing::new(base, draw(chart, series))?.write()
}

/// A picture that is drawn, and not written yet.
pub(super) struct Drawing {
    /// Its files, without extension.
    base: PathBuf,
    scene: Scene,
    svg: String,
}

impl Drawing {
    /// Of a scene, for `BASE.svg` and `BASE.png`; says why there is none.
    pub(super) fn new(base: &Path, scene: Result<Scene, String>) -> Result<Self, ReportError> {
        let scene = scene.map_err(|reason| chart_error(base, reason))?;
        Ok(Self {
            base: base.to_owned(),
            svg: SvgBackend::new().render_scene(&scene),
            scene,
        })
    }

    /// As `BASE.svg` has it.
    pub(super) fn svg(&self) -> &str {
        &self.svg
    }

    /// Writes both files, each whole or absent.
    pub(super) fn write(&self) -> Result<(), ReportError> {
        let png = PngBackend::new().with_scale(PNG_SCALE);
        let png = png.render_scene(&self.scene);
        let png = png.map_err(|reason| chart_error(&self.base, reason))?;
        write_whole(&with_suffix(&self.base, ".svg"), self.svg.as_bytes())?;
        Ok(write_whole(&with_suffix(&self.base, ".png"), &png)?)
    }
}

fn chart_error(base: &Path, reason: String) -> ReportError {
    ReportError::Chart {
        path: base.to_owned(),
        reason,
    }
}

/// `BASE.svg`; a dot in `base` is part of its name.
fn with_suffix(base: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(base);
    path.push(suffix);
    path.into()
}

/// Fails for a point of the curve `series` that is not finite.
pub(super) fn check_points(
    base: &Path,
    series: &str,
    points: &[BandPoint],
) -> Result<(), ReportError> {
    for &BandPoint { x, low, mean, high } in points {
        if ![x, low, mean, high].iter().all(|value| value.is_finite()) {
            return Err(ReportError::NotFinite {
                path: base.to_owned(),
                series: series.to_owned(),
                x,
                low,
                mean,
                high,
            });
        }
    }
    Ok(())
}

fn draw(chart: &Chart, series: &[Series]) -> Result<Scene, String> {
    let points = series.iter().flat_map(|one| &one.points);
    let x = Axis::of_places(points.map(|point| point.x), 12.0)?;
    let y = Axis::of_heights(chart, series)?;
    let (heading, heading_bottom) = heading(chart);
    let plots = plots(chart, series, &x);
    let layout = layout(&plots, (WIDTH, HEIGHT), &x, &y)
        .with_y_tick_format(y.tick_format())
        .with_x_label(label(&chart.x_label))
        .with_x_label_offset(0.0, -8.0)
        .with_force_margins_y(heading_bottom, BOTTOM)
        .with_legend_entries(legend(chart, series))
        .with_legend_wrap(LEGEND_WRAP);
    let mut scene = render_multiple(plots, layout);
    scene.elements.extend(heading);
    Ok(scene)
}

/// The part of the numbers that an axis shows.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    tick_step: f64,
}

impl Axis {
    /// All places of the points, with about `ticks` ticks; at whole numbers if all places are.
    pub(super) fn of_places(
        places: impl Iterator<Item = f64> + Clone,
        ticks: f64,
    ) -> Result<Self, String> {
        let (low, high) = extent(places.clone()).ok_or("there is no point")?;
        let mut axis = Self::around(low, high, ticks)?;
        if { places }.all(|place| place.fract() == 0.0) {
            axis.tick_step = axis.tick_step.max(1.0);
        }
        Ok(axis)
    }

    /// The wanted range, or else all of the bands and the reference.
    fn of_heights(chart: &Chart, series: &[Series]) -> Result<Self, String> {
        let reference = chart.reference.as_ref().map(|(height, _)| *height);
        if let Some(height) = reference.filter(|height| !height.is_finite()) {
            return Err(format!("the reference line is at {height}"));
        }
        let points = series.iter().flat_map(|one| &one.points);
        let heights = points.flat_map(|point| [point.low, point.mean, point.high]);
        let fitted = extent(heights.chain(reference)).ok_or("there is no point")?;
        let (low, high) = chart.y_range.unwrap_or(fitted);
        Self::around(low, high, 6.0)
    }

    /// From `low` to `high`, with about `ticks` ticks and a little room; a single number gets half a unit each way.
    pub(super) fn around(low: f64, high: f64, ticks: f64) -> Result<Self, String> {
        let span = high - low;
        if !(0.0..f64::INFINITY).contains(&span) {
            return Err(format!("no axis runs from {low} to {high}"));
        }
        // kuva takes spans up to EPSILON for none.
        let room = if span > f64::EPSILON {
            0.02 * span
        } else {
            0.5
        };
        Ok(Self {
            low: low - room,
            high: high + room,
            tick_step: round_step((span + 2.0 * room) / ticks),
        })
    }

    /// As many decimals as the ticks need, on all of them.
    fn tick_format(&self) -> TickFormat {
        match -self.tick_step.log10().floor() {
            decimals @ 1.0..=4.0 => TickFormat::Fixed(decimals as usize),
            _ => TickFormat::Auto,
        }
    }
}

/// The lowest and the highest of finite numbers.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, value| {
        let (low, high) = extent.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 5.0];
    let enough = factors.iter().find(|factor| *factor * power >= least);
    enough.unwrap_or(&10.0) * power
}

/// How a curve is drawn.
pub(super) struct Pen {
    pub(super) colour: &'static str,
    pub(super) marker: MarkerShape,
    pub(super) line_width: f64,
    pub(super) marker_radius: f64,
    /// Points from one marker to the next.
    pub(super) marker_every: usize,
}

/// From back to front: bands, the reference, lines, markers.
fn plots(chart: &Chart, series: &[Series], x: &Axis) -> Vec<Plot> {
    let pen = |(i, one): (usize, &Series)| Pen {
        colour: colour(i),
        marker: marker(i),
        line_width: 2.5,
        marker_radius: 4.0,
        marker_every: one.points.len().div_ceil(MOST_MARKERS).max(1),
    };
    let pens: Vec<_> = series.iter().enumerate().map(pen).collect();
    let curves = || pens.iter().zip(series.iter().map(|one| &one.points[..]));
    let reference = chart.reference.iter();
    let bands = curves().map(|(pen, points)| band(pen, points));
    let reference = reference.map(|(height, _)| reference_line(*height, x));
    let lines = curves().map(|(pen, points)| line(pen, points));
    let markers = curves().map(|(pen, points)| markers(pen, points));
    bands.chain(reference).chain(lines).chain(markers).collect()
}

/// A curve's band.
pub(super) fn band(pen: &Pen, points: &[BandPoint]) -> Plot {
    let band = BandPlot::new(
        points.iter().map(|point| point.x),
        points.iter().map(|point| point.low),
        points.iter().map(|point| point.high),
    );
    Plot::Band(band.with_color(pen.colour).with_opacity(BAND_OPACITY))
}

fn reference_line(height: f64, x: &Axis) -> Plot {
    let line = LinePlot::new()
        .with_data([(x.low, height), (x.high, height)])
        .with_color(GREY)
        .with_line_style(LineStyle::Custom(DASHES.to_owned()));
    Plot::Line(line.with_stroke_width(1.5))
}

/// A curve's means, joined; a single point has no band, so it gets an error bar.
pub(super) fn line(pen: &Pen, points: &[BandPoint]) -> Plot {
    let line = LinePlot::new()
        .with_data(points.iter().map(|point| (point.x, point.mean)))
        .with_color(pen.colour)
        .with_stroke_width(pen.line_width);
    Plot::Line(match points {
        [only] => line.with_y_err_asymmetric([(only.mean - only.low, only.high - only.mean)]),
        _ => line,
    })
}

/// Markers on a curve's means; the first point has one.
pub(super) fn markers(pen: &Pen, points: &[BandPoint]) -> Plot {
    let marked = points.iter().step_by(pen.marker_every);
    let markers = ScatterPlot::new()
        .with_data(marked.map(|point| (point.x, point.mean)))
        .with_color(pen.colour)
        .with_marker(pen.marker);
    Plot::Scatter(markers.with_size(pen.marker_radius))
}

pub(super) fn colour(i: usize) -> &'static str {
    COLOURS[i % COLOURS.len()]
}

pub(super) fn marker(i: usize) -> MarkerShape {
    MARKERS[i % MARKERS.len()]
}

/// The curves in their order, then the reference.
fn legend(chart: &Chart, series: &[Series]) -> Vec<LegendEntry> {
    let curves = series.iter().enumerate();
    let curves = curves.map(|(i, one)| legend_entry(colour(i), marker(i), &one.name));
    let reference = chart.reference.iter().map(|(_, name)| LegendEntry {
        label: label(name),
        color: GREY.to_owned(),
        shape: LegendShape::Line,
        dasharray: Some(LEGEND_DASHES.to_owned()),
    });
    curves.chain(reference).collect()
}

/// The entry of a curve.
pub(super) fn legend_entry(colour: &str, marker: MarkerShape, name: &str) -> LegendEntry {
    LegendEntry {
        label: label(name),
        color: colour.to_owned(),
        shape: LegendShape::Marker(marker),
        dasharray: None,
    }
}

/// What all plots share, in a picture of `width` x `height`.
pub(super) fn layout(plots: &[Plot], (width, height): (f64, f64), x: &Axis, y: &Axis) -> Layout {
    Layout::auto_from_plots(plots)
        .with_width(width)
        .with_height(height)
        .with_theme(theme())
        .with_label_size(16)
        .with_tick_size(14)
        .with_body_size(15)
        .with_legend_box(false)
        .with_x_axis_min(x.low)
        .with_x_axis_max(x.high)
        .with_x_tick_step(x.tick_step)
        .with_y_axis_min(y.low)
        .with_y_axis_max(y.high)
        .with_y_tick_step(y.tick_step)
}

pub(super) fn theme() -> Theme {
    Theme {
        grid_color: "#e6e6e6".to_owned(),
        axis_color: "#333333".to_owned(),
        tick_color: "#333333".to_owned(),
        ..Theme::light()
    }
}

/// Title, subtitle and the vertical axis' name, flush left above the plot, and where the plot may begin. Upright, the
/// axis' name is easier to read, and kuva's PNGs have ragged letters where text is turned.
fn heading(chart: &Chart) -> (Vec<Primitive>, f64) {
    let mut y = MARGIN;
    let columns = (MARGIN, WIDTH - MARGIN);
    let mut heading = text_lines(&chart.title, columns, TITLE, &mut y);
    heading.extend(text_lines(&chart.subtitle, columns, SUBTITLE, &mut y));
    y += 0.5 * MARGIN;
    heading.extend(text_lines(&chart.y_label, columns, AXIS_NAME, &mut y));
    (heading, y + 0.5 * MARGIN)
}

/// `text`, wrapped between the columns of pixels `left` and `right`, below `y`, which moves down by as many lines.
pub(super) fn text_lines(
    text: &str,
    (left, right): (f64, f64),
    font: Font,
    y: &mut f64,
) -> Vec<Primitive> {
    if text.is_empty() {
        return Vec::new();
    }
    let letters = (right - left) / font.letter_width();
    let lines = wrap_text(&printable(text), letters as usize);
    let size = f64::from(font.size);
    let line = |line: String| {
        *y += 1.3 * size;
        text_at((left, *y - 0.3 * size), TextAnchor::Start, &line, font)
    };
    lines.into_iter().map(line).collect()
}

/// How text is set.
#[derive(Clone, Copy)]
pub(super) struct Font {
    pub(super) size: u32,
    pub(super) bold: bool,
    pub(super) colour: &'static str,
}

impl Font {
    pub(super) const fn new(size: u32, bold: bool, colour: &'static str) -> Self {
        Self { size, bold, colour }
    }

    /// A letter is 0.6 sizes wide, a bold one 0.7.
    pub(super) fn letter_width(self) -> f64 {
        f64::from(self.size) * if self.bold { 0.7 } else { 0.6 }
    }
}

/// One line of text, as it stands, on the baseline `y`.
pub(super) fn text_at((x, y): (f64, f64), anchor: TextAnchor, text: &str, font: Font) -> Primitive {
    Primitive::RichText {
        x,
        y,
        spans: vec![TextSpan {
            bold: font.bold,
            ..TextSpan::plain(printable(text))
        }],
        size: font.size,
        anchor,
        color: Some(font.colour.into()),
    }
}

/// `text` without the control characters, which XML has no place for.
fn printable(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

/// `text` as it stands: kuva would take what is between two dollars for a formula.
pub(super) fn label(text: &str) -> String {
    printable(text).replace('$', "\\$")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn series(name: &str, points: &[[f64; 4]]) -> Series {
        let point = |&[x, low, mean, high]: &[f64; 4]| BandPoint { x, low, mean, high };
        Series {
            name: name.to_owned(),
            points: points.iter().map(point).collect(),
        }
    }

    fn two_arms() -> [Series; 2] {
        [
            series("plain ReLU", &[[1.0, 0.8, 0.9, 1.0], [2.0, 0.1, 0.2, 0.3]]),
            series("CReLU", &[[1.0, 0.9, 0.95, 1.0], [2.0, 0.9, 0.95, 1.0]]),
        ]
    }

    fn accuracy_chart() -> Chart {
        Chart {
            title: "Loss of trainability".to_owned(),
            subtitle: "two seeds".to_owned(),
            x_label: "Task".to_owned(),
            y_label: "Online accuracy".to_owned(),
            y_range: Some((0.0, 1.0)),
            reference: Some((0.1, "chance".to_owned())),
        }
    }

    fn svg_of(chart: &Chart, series: &[Series]) -> String {
        let directory = tempfile::tempdir().unwrap();
        write_chart(&directory.path().join("chart"), chart, series).unwrap();
        fs::read_to_string(directory.path().join("chart.svg")).unwrap()
    }

    /// The error of a chart that must be refused, and leave no file.
    fn refusal(chart: &Chart, series: &[Series]) -> ReportError {
        let directory = tempfile::tempdir().unwrap();
        let error = write_chart(&directory.path().join("chart"), chart, series).unwrap_err();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        error
    }

    fn refused_for(chart: &Chart, series: &[Series]) -> String {
        match refusal(chart, series) {
            ReportError::Chart { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_chart_is_an_svg_and_a_png_of_twice_its_size() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("run.1");
        write_chart(&base, &accuracy_chart(), &two_arms()).unwrap();
        let png = fs::read(directory.path().join("run.1.png")).unwrap();
        assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(png[12..16], *b"IHDR");
        assert_eq!(png[16..20], 1800_u32.to_be_bytes());
        assert_eq!(png[20..24], 1040_u32.to_be_bytes());
        let svg = fs::read_to_string(directory.path().join("run.1.svg")).unwrap();
        assert!(svg.contains(r#"width="900" height="520""#));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_chart_says_all_its_words() {
        let svg = svg_of(&accuracy_chart(), &two_arms());
        for word in [
            "plain ReLU",
            "CReLU",
            "chance",
            "Loss of trainability",
            "two seeds",
            "Task",
            "Online accuracy",
        ] {
            assert!(svg.contains(&format!(">{word}<")), "{word}: {svg}");
        }
    }

    #[test]
    fn names_are_drawn_as_they_stand() {
        let arm = series("a<b> & $x$\u{1}", &[[1.0, 0.0, 0.5, 1.0]]);
        let svg = svg_of(&accuracy_chart(), &[arm]);
        assert!(svg.contains(">a&lt;b&gt; &amp; $x$\u{fffd}<"), "{svg}");
    }

    #[test]
    fn points_are_drawn_where_they_belong() {
        let chart = Chart {
            y_range: Some((0.0, 1.0)),
            ..Chart::default()
        };
        let arm = series("arm", &[[1.0, 0.25, 0.5, 0.75], [2.0, 0.25, 0.5, 0.75]]);
        let svg = svg_of(&chart, &[arm]);
        // The plot is 40 to 458 pixels from the top and shows -0.02 to 1.02: its middle is at 249, and a quarter is
        // 0.25 * 418 / 1.04 = 100.48.
        assert!(svg.contains(r#"cy="249""#), "{svg}");
        assert!(
            svg.contains(" 349.48 ") && svg.contains(" 148.52 "),
            "{svg}"
        );
    }

    #[test]
    fn what_is_not_finite_is_refused_with_series_and_place() {
        for column in 0..4 {
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut arms = two_arms();
                let point = &mut arms[1].points[1];
                let fields = [
                    &mut point.x,
                    &mut point.low,
                    &mut point.mean,
                    &mut point.high,
                ];
                *fields.into_iter().nth(column).unwrap() = bad;
                let place = point.x;
                match refusal(&accuracy_chart(), &arms) {
                    ReportError::NotFinite { series, x, .. } => {
                        assert_eq!(series, "CReLU");
                        assert_eq!(x.to_bits(), place.to_bits());
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    #[test]
    fn the_error_names_chart_series_and_place() {
        let arm = series("L2", &[[3.0, 0.5, f64::NAN, 0.75]]);
        let error = write_chart(Path::new("out/chart"), &Chart::default(), &[arm]).unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"cannot draw out/chart: series "L2" at x = 3 has low 0.5, mean NaN, high 0.75"#
        );
    }

    #[test]
    fn a_chart_without_points_is_refused() {
        for nothing in [vec![], vec![series("arm", &[])]] {
            let reason = refused_for(&accuracy_chart(), &nothing);
            assert_eq!(reason, "there is no point");
        }
    }

    #[test]
    fn axes_that_cannot_be_are_refused() {
        let upside_down = Chart {
            y_range: Some((1.0, 0.0)),
            ..Chart::default()
        };
        let reason = refused_for(&upside_down, &two_arms());
        assert_eq!(reason, "no axis runs from 1 to 0");
        let unbounded = Chart {
            y_range: Some((0.0, f64::INFINITY)),
            ..Chart::default()
        };
        let reason = refused_for(&unbounded, &two_arms());
        assert_eq!(reason, "no axis runs from 0 to inf");
        let nowhere = Chart {
            reference: Some((f64::NAN, "chance".to_owned())),
            ..Chart::default()
        };
        let reason = refused_for(&nowhere, &two_arms());
        assert_eq!(reason, "the reference line is at NaN");
    }

    #[test]
    fn an_unwritable_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("missing/chart");
        match write_chart(&base, &accuracy_chart(), &two_arms()) {
            Err(ReportError::Write(crate::files::WriteError { path, .. })) => {
                assert_eq!(path, directory.path().join("missing/chart.svg"));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn steps_are_round() {
        for (least, step) in [
            (0.083, 0.1),
            (0.173, 0.2),
            (0.917, 1.0),
            (1.0, 1.0),
            (1.2, 2.0),
            (3.0, 5.0),
            (6.0, 10.0),
            (15.0, 20.0),
        ] {
            assert_eq!(round_step(least), step, "{least}");
        }
    }

    #[test]
    fn whole_places_have_whole_ticks() {
        let at = |places: &[f64]| Axis::of_places(places.iter().copied(), 12.0).unwrap();
        assert_eq!(at(&[1.0, 2.0, 3.0]).tick_step, 1.0);
        assert_eq!(at(&[1.0, 40.0]).tick_step, 5.0);
        assert_eq!(at(&[0.5, 1.5]).tick_step, 0.1);
        let alone = at(&[7.0]);
        assert_eq!((alone.low, alone.high, alone.tick_step), (6.5, 7.5, 1.0));
    }

    #[test]
    fn a_fitted_axis_holds_bands_and_reference() {
        let mut chart = accuracy_chart();
        chart.y_range = None;
        chart.reference = Some((-1.0, "floor".to_owned()));
        let axis = Axis::of_heights(&chart, &two_arms()).unwrap();
        assert_eq!((axis.low, axis.high), (-1.04, 1.04));
    }

    #[test]
    fn twenty_eight_curves_look_different() {
        let looks: BTreeSet<_> = (0..28)
            .map(|i| (colour(i), format!("{:?}", marker(i))))
            .collect();
        assert_eq!(looks.len(), 28);
    }
}
