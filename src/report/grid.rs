//! A grid of small panels: a heading, notes and a legend above columns that share their horizontal axis.

use std::fmt::Write;
use std::path::Path;

use kuva::plot::{LinePlot, MarkerShape};
use kuva::render::plots::Plot;
use kuva::render::render::{
    PathData, Primitive, Scene, TextAnchor, render_legend_at, render_multiple,
};

use super::plots::{
    Axis, BLACK, Drawing, Font, GREY, MARGIN, Pen, TITLE, band, check_points, colour, layout,
    legend_entry, line, marker, markers, text_at, text_lines, theme,
};
use super::scale::Scale;
use super::{BandPoint, ReportError};

/// Pixels of a panel, and what of them lies outside its axes.
pub(super) const PANEL_HEIGHT: f64 = 158.0;
const PANEL_LEFT: f64 = 68.0;
const PANEL_RIGHT: f64 = 14.0;
const PANEL_TOP: f64 = 28.0;
const PANEL_BOTTOM: f64 = 6.0;
/// Panels are no narrower, and a picture neither.
const LEAST_PANEL_WIDTH: f64 = 370.0;
const LEAST_WIDTH: f64 = 900.0;
/// Below the last row, for the horizontal axis' numbers and name.
const BOTTOM: f64 = 48.0;

const NOTE: Font = Font::new(14, false, GREY);
const LEGEND: Font = Font::new(14, false, BLACK);
const NUMBER: Font = Font::new(13, false, BLACK);
const COLUMN: Font = Font::new(15, true, BLACK);
const LEGEND_LINE: f64 = 26.0;
/// Of a legend's entry, before its name and after it.
const LEGEND_SAMPLE: f64 = 25.0;
const LEGEND_GAP: f64 = 20.0;
/// Pixels from one number of a horizontal axis to the next.
const TICK_ROOM: f64 = 58.0;
/// Curves of more points have thinner lines.
const DENSE: usize = 400;
/// Markers of a curve without gaps.
const MARKERS: usize = 12;
/// Pixels of a dash and of the gap after it. kuva's PNGs neither scale dashes nor carry them over a corner, so lines
/// are cut here.
const DASH: f64 = 6.0;
const DASH_GAP: f64 = 4.5;
/// Pixels of an event's mark.
const MARK_HEIGHT: f64 = 7.0;
const MARK_WIDTH: f64 = 1.2;
const GRID: &str = "#e6e6e6";
pub(super) const SWITCH: &str = "#a6a6a6";
/// Of more vertical lines than [`FEW_SWITCHES`].
const FAINT_SWITCH: &str = "#d6d6d6";
const FEW_SWITCHES: usize = 16;

/// A picture of panels.
pub(super) struct Grid {
    pub(super) title: String,
    /// Below the title, a paragraph each.
    pub(super) notes: Vec<String>,
    pub(super) legend: Vec<(Key, String)>,
    pub(super) x_label: &'static str,
    pub(super) panel_height: f64,
    pub(super) columns: Vec<Column>,
    /// Row by row.
    pub(super) panels: Vec<Panel>,
}

/// What panels below each other share.
pub(super) struct Column {
    /// None if empty.
    pub(super) heading: String,
    pub(super) x: Axis,
    /// Places of vertical lines.
    pub(super) switches: Vec<u32>,
}

/// Curves in one frame.
pub(super) struct Panel {
    pub(super) heading: String,
    pub(super) scale: Scale,
    /// The heights on the scale that the frame shows, with a hair's breadth around them; what lies outside is cut off.
    pub(super) span: (f64, f64),
    /// The height of a dashed line across the frame.
    pub(super) reference: Option<f64>,
    /// From back to front.
    pub(super) curves: Vec<Curve>,
    /// Places of events, marked at the bottom.
    pub(super) marks: Vec<u32>,
}

/// A curve with a band; it has gaps.
pub(super) struct Curve {
    pub(super) arm: String,
    /// What of the network; none if empty.
    pub(super) place: String,
    pub(super) quantity: &'static str,
    pub(super) style: Style,
    /// Its points between the gaps.
    pub(super) runs: Vec<Vec<BandPoint>>,
    /// Values that the gaps stand for.
    pub(super) missing: usize,
}

impl Curve {
    /// What it is called in an error.
    fn name(&self) -> String {
        let parts = [&self.arm, &self.place, self.quantity];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(", ")
    }
}

/// How a curve looks.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) colour: &'static str,
    pub(super) width: f64,
    pub(super) dashed: bool,
    pub(super) marker: Option<MarkerShape>,
}

impl Style {
    /// That of arm `i` in all pictures.
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
            dashed: false,
            marker: None,
        }
    }
}

/// How a line across a frame looks.
pub(super) const REFERENCE: Style = Style {
    dashed: true,
    ..Style::line(GREY, 1.25)
};

/// What a legend explains.
#[derive(Clone, Copy)]
pub(super) enum Key {
    /// A curve.
    Line(Style),
    /// The mark of an event.
    Mark,
}

/// The colour of events.
const MARK: &str = "#B00020";

/// Draws `grid` for `BASE.svg` and `BASE.png`. Fails for a point that is not finite.
pub(super) fn draw_grid(base: &Path, grid: &Grid) -> Result<Drawing, ReportError> {
    for curve in grid.panels.iter().flat_map(|panel| &panel.curves) {
        check_points(base, &curve.name(), &curve.runs.concat())?;
    }
    Drawing::new(base, draw(grid))
}

/// Of all lines and bands, in values.
pub(super) fn values(curves: &[Curve]) -> impl Iterator<Item = f64> {
    points(curves).flat_map(|point| [point.low, point.mean, point.high])
}

fn points(curves: &[Curve]) -> impl Iterator<Item = &BandPoint> {
    curves.iter().flat_map(|curve| curve.runs.iter().flatten())
}

/// 900 pixels for up to two columns, about 1,500 for four.
fn picture_width(columns: usize) -> f64 {
    (MARGIN + columns as f64 * LEAST_PANEL_WIDTH).max(LEAST_WIDTH)
}

fn panel_width(columns: usize) -> f64 {
    (picture_width(columns) - MARGIN) / columns as f64
}

/// Numbers for which a panel's horizontal axis has room.
pub(super) fn x_ticks(columns: usize) -> f64 {
    (panel_width(columns) - PANEL_LEFT - PANEL_RIGHT) / TICK_ROOM
}

fn draw(grid: &Grid) -> Result<Scene, String> {
    let width = picture_width(grid.columns.len());
    let panel_width = panel_width(grid.columns.len());
    let inside = (MARGIN, width - MARGIN);
    let mut top = MARGIN;
    let mut heading = text_lines(&grid.title, inside, TITLE, &mut top);
    for note in &grid.notes {
        heading.extend(text_lines(note, inside, NOTE, &mut top));
    }
    let legend_top = top + 0.5 * LEGEND_LINE;
    let names: Vec<_> = grid.legend.iter().map(|(_, name)| &name[..]).collect();
    let places = legend_places(&names, width, legend_top);
    top = places.last().map_or(top, |(_, y)| y + LEGEND_LINE);
    heading.extend(column_headings(grid, panel_width, &mut top));

    let rows = grid.panels.len().div_ceil(grid.columns.len());
    let mut scene = Scene::new(width, top + rows as f64 * grid.panel_height + BOTTOM);
    scene.elements.extend(heading);
    for ((key, name), place) in grid.legend.iter().zip(places) {
        add_key(&mut scene, *key, name, place);
    }
    for (index, panel) in grid.panels.iter().enumerate() {
        let (row, index) = (index / grid.columns.len(), index % grid.columns.len());
        let frame = Frame {
            width: panel_width,
            height: grid.panel_height,
            x_label: (row + 1 == rows).then_some(grid.x_label),
        };
        let corner = (index as f64 * panel_width, top + row as f64 * frame.height);
        let panel = panel_scene(panel, &grid.columns[index], &frame)?;
        add_panel(&mut scene, corner, panel);
    }
    Ok(scene)
}

/// Below `top`, which moves down by the longest of them and a little room.
fn column_headings(grid: &Grid, panel_width: f64, top: &mut f64) -> Vec<Primitive> {
    let (mut headings, mut bottom) = (Vec::new(), *top);
    for (index, column) in grid.columns.iter().enumerate() {
        let left = index as f64 * panel_width + MARGIN;
        let mut y = *top;
        let inside = (left, left + panel_width);
        headings.extend(text_lines(&column.heading, inside, COLUMN, &mut y));
        bottom = bottom.max(y);
    }
    *top = bottom;
    headings
}

/// One after the other, in as many lines as they need.
fn legend_places(names: &[&str], width: f64, top: f64) -> Vec<(f64, f64)> {
    let (mut x, mut y) = (MARGIN, top);
    let place = |name: &&str| {
        let letters = name.chars().count() as f64;
        let entry = LEGEND_SAMPLE + letters * LEGEND.letter_width();
        if x > MARGIN && x + entry > width - MARGIN {
            (x, y) = (MARGIN, y + LEGEND_LINE);
        }
        let place = (x, y);
        x += entry + LEGEND_GAP;
        place
    };
    names.iter().map(place).collect()
}

/// A sample and its name.
fn add_key(scene: &mut Scene, key: Key, name: &str, (x, y): (f64, f64)) {
    let middle = y + 5.0;
    let marker = match key {
        Key::Line(style) => {
            add_sample(scene, style, (x, middle));
            style.marker.map(|marker| (style.colour, marker))
        }
        Key::Mark => {
            let places = [4.0, 8.0, 16.0].map(|offset| x + offset);
            scene.add(marks_path(&places, middle + 0.5 * MARK_HEIGHT));
            None
        }
    };
    if let Some((colour, marker)) = marker {
        let entry = [legend_entry(colour, marker, name)];
        let size = LEGEND.size;
        render_legend_at(&entry, None, None, false, scene, x, y, 0.0, size, &theme());
    } else {
        let place = (x + LEGEND_SAMPLE, middle + 0.35 * f64::from(LEGEND.size));
        scene.add(text_at(place, TextAnchor::Start, name, LEGEND));
    }
}

/// A piece of line that begins at a place.
fn add_sample(scene: &mut Scene, style: Style, (x, y): (f64, f64)) {
    let ends = [(x, y), (x + LEGEND_SAMPLE - 4.0, y)];
    for points in pieces(style, &ends, (1.0, 1.0)) {
        scene.add(Primitive::PolyLine {
            points,
            stroke: style.colour.into(),
            stroke_width: style.width,
            stroke_dasharray: None,
        });
    }
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

/// The room of one panel.
struct Frame {
    width: f64,
    height: f64,
    /// Only the last row's panels have numbers and a name below.
    x_label: Option<&'static str>,
}

impl Frame {
    /// Pixels for a unit of each axis.
    fn pixels(&self, x: &Axis, y: &Axis) -> (f64, f64) {
        (
            (self.width - PANEL_LEFT - PANEL_RIGHT) / (x.high - x.low),
            (self.height - PANEL_TOP - PANEL_BOTTOM) / (y.high - y.low),
        )
    }
}

fn panel_scene(panel: &Panel, column: &Column, frame: &Frame) -> Result<Scene, String> {
    let x = &column.x;
    let y = Axis::around(panel.span.0, panel.span.1, 6.0)?;
    let mut ticks = panel.scale.ticks(y.low, y.high);
    if points(&panel.curves).next().is_none() {
        ticks.clear();
    }
    let pixels = frame.pixels(x, &y);
    let plots = plots(panel, column, &y, &ticks, pixels);
    let below = frame.x_label.map_or(0.0, |_| BOTTOM);
    let mut layout = layout(&plots, (frame.width, frame.height + below), x, &y)
        .with_tick_size(NUMBER.size)
        .with_label_size(NOTE.size)
        .with_show_grid(false)
        .with_force_margins(PANEL_LEFT, PANEL_RIGHT)
        .with_force_margins_y(PANEL_TOP, PANEL_BOTTOM + below);
    layout.suppress_y_ticks = true;
    layout.suppress_x_ticks = frame.x_label.is_none();
    if let Some(label) = frame.x_label {
        layout = layout.with_x_label(label).with_x_label_offset(0.0, -6.0);
    }
    let mut scene = render_multiple(plots, layout);
    let heading = (PANEL_LEFT, PANEL_TOP - 8.0);
    scene.add(text_at(heading, TextAnchor::Start, &panel.heading, NOTE));
    for (height, number) in ticks {
        let middle = PANEL_TOP + (y.high - height) * pixels.1;
        let place = (PANEL_LEFT - 6.0, middle + 0.35 * f64::from(NUMBER.size));
        scene.add(text_at(place, TextAnchor::End, &number, NUMBER));
    }
    if !panel.marks.is_empty() {
        let place = |update: &u32| PANEL_LEFT + (f64::from(*update) - x.low) * pixels.0;
        let places: Vec<_> = panel.marks.iter().map(place).collect();
        scene.add(marks_path(&places, frame.height - PANEL_BOTTOM - 1.0));
    }
    Ok(scene)
}

/// Short strokes that stand on `bottom`.
fn marks_path(places: &[f64], bottom: f64) -> Primitive {
    let mut path = String::new();
    for x in places {
        // Writing to a string does not fail.
        let _ = write!(
            path,
            "M {x:.2} {bottom:.2} L {x:.2} {:.2} ",
            bottom - MARK_HEIGHT
        );
    }
    Primitive::Path(Box::new(PathData {
        d: path,
        fill: None,
        stroke: MARK.into(),
        stroke_width: MARK_WIDTH,
        opacity: None,
        stroke_dasharray: None,
    }))
}

/// From back to front: the grid, switches, bands, the reference, lines, markers.
fn plots(
    panel: &Panel,
    column: &Column,
    y: &Axis,
    ticks: &[(f64, String)],
    pixels: (f64, f64),
) -> Vec<Plot> {
    let x = &column.x;
    let grid = ticks
        .iter()
        .map(|&(height, _)| thin_line(GRID, [(x.low, height), (x.high, height)]));
    let switch = if column.switches.len() > FEW_SWITCHES {
        FAINT_SWITCH
    } else {
        SWITCH
    };
    let switches = column
        .switches
        .iter()
        .map(|&update| f64::from(update))
        .map(|place| thin_line(switch, [(place, y.low), (place, y.high)]));
    let reference = panel
        .reference
        .iter()
        .flat_map(|height| reference_line(*height, x, pixels));
    let longest = longest(&panel.curves);
    let runs: Vec<_> = panel
        .curves
        .iter()
        .flat_map(|curve| curve.runs.iter().map(move |run| (curve.style, run)))
        .map(|(style, run)| (style, pen(style, longest), on_scale(panel.scale, run)))
        .collect();
    let bands = runs
        .iter()
        .filter(|(_, _, run)| run.iter().any(|point| point.low < point.high))
        .map(|(_, pen, run)| band(pen, run));
    let lines = runs
        .iter()
        .flat_map(|(style, pen, run)| lines(*style, pen, run, pixels));
    let markers = runs
        .iter()
        .filter(|(style, ..)| style.marker.is_some())
        .map(|(_, pen, run)| markers(pen, run));
    let curves = bands.chain(reference).chain(lines).chain(markers);
    grid.chain(switches).chain(curves).collect()
}

/// A curve's line, whole or in dashes.
fn lines(style: Style, pen: &Pen, run: &[BandPoint], pixels: (f64, f64)) -> Vec<Plot> {
    if !style.dashed {
        return vec![line(pen, run)];
    }
    let points: Vec<_> = run.iter().map(|point| (point.x, point.mean)).collect();
    let dash = |points| plain_line(pen.colour, pen.line_width, points);
    dashes(&points, pixels).into_iter().map(dash).collect()
}

fn reference_line(height: f64, x: &Axis, pixels: (f64, f64)) -> impl Iterator<Item = Plot> {
    let dashes = dashes(&[(x.low, height), (x.high, height)], pixels);
    let dash = |points| plain_line(REFERENCE.colour, REFERENCE.width, points);
    dashes.into_iter().map(dash)
}

/// Thinner than a large chart's; markers are as dense on all curves of a panel, the longest of which has `longest`
/// points.
fn pen(style: Style, longest: usize) -> Pen {
    Pen {
        colour: style.colour,
        marker: style.marker.unwrap_or(MarkerShape::Circle),
        line_width: style.width * if longest > DENSE { 0.7 } else { 1.0 },
        marker_radius: 3.0,
        marker_every: longest.div_ceil(MARKERS).max(1),
    }
}

fn longest(curves: &[Curve]) -> usize {
    let lengths = curves
        .iter()
        .map(|curve| curve.runs.iter().map(Vec::len).sum());
    lengths.max().unwrap_or(0)
}

fn thin_line(colour: &str, ends: [(f64, f64); 2]) -> Plot {
    plain_line(colour, 1.0, ends.to_vec())
}

fn plain_line(colour: &str, width: f64, points: Vec<(f64, f64)>) -> Plot {
    let line = LinePlot::new().with_data(points).with_color(colour);
    Plot::Line(line.with_stroke_width(width))
}

/// The line through `points`, cut into dashes if the style wants it.
fn pieces(style: Style, points: &[(f64, f64)], pixels: (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    if style.dashed {
        dashes(points, pixels)
    } else {
        vec![points.to_vec()]
    }
}

/// Cuts the line through `points`, where a unit each way is `pixels` long.
fn dashes(points: &[(f64, f64)], pixels: (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let mut dashes: Vec<Vec<(f64, f64)>> = Vec::new();
    let (mut left, mut drawing) = (0.0, false);
    for ends in points.windows(2) {
        let [(x0, y0), (x1, y1)] = [ends[0], ends[1]];
        let length = ((x1 - x0) * pixels.0).hypot((y1 - y0) * pixels.1);
        let at = |done: f64| {
            let share = done / length;
            (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        };
        let mut done = 0.0;
        while done < length {
            if left <= 0.0 {
                drawing = !drawing;
                left = if drawing { DASH } else { DASH_GAP };
                if drawing {
                    dashes.push(vec![at(done)]);
                }
            }
            let step = f64::min(left, length - done);
            done += step;
            left -= step;
            if let Some(dash) = dashes.last_mut().filter(|_| drawing) {
                dash.push(at(done));
            }
        }
    }
    dashes
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
    use super::*;

    #[test]
    fn bands_are_on_the_scale_too() {
        let point = |x, low, mean, high| BandPoint { x, low, mean, high };
        assert_eq!(
            on_scale(Scale::Log, &[point(100.0, 0.1, 10.0, 100.0)]),
            [point(100.0, -1.0, 1.0, 2.0)]
        );
    }

    #[test]
    fn a_long_legend_goes_on_in_the_next_line() {
        let name = "forty letters, which are 336 pixels wide";
        let places = legend_places(&[name, name, name], 900.0, 10.0);
        assert_eq!(places, [(20.0, 10.0), (401.0, 10.0), (20.0, 36.0)]);
        let wider_than_the_picture = name.repeat(3);
        assert_eq!(
            legend_places(&[&wider_than_the_picture], 900.0, 10.0),
            [(20.0, 10.0)]
        );
    }

    #[test]
    fn dashes_go_on_round_a_corner() {
        // A unit is 2 pixels across and 1 down: 8 pixels across, then 10 down. Dashes are 6, gaps 4.5 pixels.
        let corner = [(0.0, 0.0), (4.0, 0.0), (4.0, 10.0)];
        assert_eq!(
            dashes(&corner, (2.0, 1.0)),
            [vec![(0.0, 0.0), (3.0, 0.0)], vec![(4.0, 2.5), (4.0, 8.5)]]
        );
        let across_it = [(0.0, 0.0), (2.0, 0.0), (2.0, 10.0)];
        assert_eq!(
            dashes(&across_it, (2.0, 1.0))[0],
            [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0)]
        );
        assert!(dashes(&[(1.0, 1.0)], (2.0, 1.0)).is_empty());
    }

    fn empty_grid(columns: usize, switches: usize) -> Grid {
        let panel = || Panel {
            heading: "Empty".to_owned(),
            scale: Scale::Linear,
            span: (0.0, 1.0),
            reference: Some(0.5),
            curves: Vec::new(),
            marks: vec![50],
        };
        let column = || Column {
            heading: "Column".to_owned(),
            x: Axis::of_places([0.0, 100.0].into_iter(), 5.0).unwrap(),
            switches: (1..).take(switches).collect(),
        };
        Grid {
            title: "Title".to_owned(),
            notes: vec!["Note".to_owned()],
            legend: vec![
                (Key::Mark, "event".to_owned()),
                (Key::Line(REFERENCE), "half".to_owned()),
            ],
            x_label: "Time",
            panel_height: 100.0,
            columns: (0..columns).map(|_| column()).collect(),
            panels: (0..2 * columns).map(|_| panel()).collect(),
        }
    }

    fn svg_of(grid: &Grid) -> String {
        let directory = tempfile::tempdir().unwrap();
        draw_grid(&directory.path().join("grid"), grid)
            .and_then(|drawing| drawing.write())
            .unwrap();
        std::fs::read_to_string(directory.path().join("grid.svg")).unwrap()
    }

    #[test]
    fn a_grid_has_each_column_twice_and_only_the_last_row_has_numbers() {
        let svg = svg_of(&empty_grid(3, 0));
        assert!(svg.contains(r#"width="1130""#), "{svg}");
        for (word, times) in [
            ("Title", 1),
            ("Note", 1),
            ("event", 1),
            ("half", 1),
            ("Column", 3),
            ("Empty", 6),
            ("Time", 3),
            ("100", 3),
        ] {
            let count = svg.matches(&format!(">{word}<")).count();
            assert_eq!(count, times, "{word}: {svg}");
        }
    }

    #[test]
    fn an_event_stands_on_the_bottom_of_its_panel() {
        // The frame is 68 to 426 pixels from the left, so its middle is at 247; 100 - 6 pixels down, less its line.
        let svg = svg_of(&empty_grid(2, 0));
        let mark = r#"d="M 247.00 93.00 L 247.00 86.00 ""#;
        assert_eq!(svg.matches(mark).count(), 4, "{svg}");
    }

    #[test]
    fn a_reference_crosses_its_panel_in_dashes() {
        // From 68 to 426: 358 / 10.5 = 34.1 dashes and gaps, in each of four panels; one and a half in the legend.
        let svg = svg_of(&empty_grid(2, 0));
        let dashes = svg.matches(&format!(r#"stroke="{GREY}""#)).count();
        assert_eq!(dashes, 4 * 35 + 2, "{svg}");
    }

    #[test]
    fn many_switches_are_fainter() {
        let switches = |count, colour| svg_of(&empty_grid(1, count)).matches(colour).count();
        assert_eq!(switches(16, SWITCH), 2 * 16);
        assert_eq!(switches(17, SWITCH), 0);
        assert_eq!(switches(17, FAINT_SWITCH), 2 * 17);
    }

    #[test]
    fn a_point_that_is_not_finite_is_refused_with_its_name() {
        let mut grid = empty_grid(1, 0);
        let bad = BandPoint {
            x: 7.0,
            low: 0.5,
            mean: f64::NAN,
            high: 0.5,
        };
        for (place, name) in [("", "arm, value"), ("Layer 1", "arm, Layer 1, value")] {
            grid.panels[0].curves = vec![Curve {
                arm: "arm".to_owned(),
                place: place.to_owned(),
                quantity: "value",
                style: REFERENCE,
                runs: vec![vec![bad]],
                missing: 0,
            }];
            match draw_grid(Path::new("grid"), &grid).map(drop) {
                Err(ReportError::NotFinite { series, x, .. }) => {
                    assert_eq!((&series[..], x), (name, 7.0));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_picture_grows_with_its_columns() {
        let widths = [1, 2, 3, 4].map(picture_width);
        assert_eq!(widths, [900.0, 900.0, 1130.0, 1500.0]);
    }
}
