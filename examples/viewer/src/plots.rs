//! Curves: accuracy by task, and the effective step of a layer beside its bound.

use std::collections::VecDeque;

use eframe::egui::{Align2, Color32, RichText, Ui, Vec2};
use egui_plot::{GridInput, GridMark, HLine, Line, LineStyle, Plot, PlotPoint, Points, Text};
use trainable::data::Description;

use crate::history::{History, LayerPoint};

/// Colours that tell replicas apart, also for colour-blind readers (Paul Tol's "bright").
const REPLICAS: [Color32; 7] = [
    Color32::from_rgb(0x44, 0x77, 0xaa),
    Color32::from_rgb(0xee, 0x66, 0x77),
    Color32::from_rgb(0x22, 0x88, 0x33),
    Color32::from_rgb(0xcc, 0xbb, 0x44),
    Color32::from_rgb(0x66, 0xcc, 0xee),
    Color32::from_rgb(0xaa, 0x33, 0x77),
    Color32::from_rgb(0x99, 0x99, 0x99),
];
/// The colour of the effective step.
pub const STEP: Color32 = Color32::from_rgb(0x22, 0x55, 0x88);
/// The colour of the combined bound.
pub const BOUND: Color32 = Color32::from_rgb(0xdd, 0x99, 0x33);
/// The colour of a step above the bound.
pub const VIOLATION: Color32 = Color32::from_rgb(0xcc, 0x22, 0x33);

/// The colour of the lines behind the curves.
const GRID: Color32 = Color32::from_gray(228);

/// The smallest number of tasks on the horizontal axis.
const FEWEST_TASKS: f64 = 4.0;
/// The width of the vertical axis' numbers, equal in all plots so that they are aligned.
const AXIS_WIDTH: f32 = 44.0;

/// The width for a number at the horizontal axis; egui fades a number that has less.
const ROOM: f32 = 62.0;

/// Returns the colour of a replica.
pub fn replica_colour(replica: usize) -> Color32 {
    REPLICAS[replica % REPLICAS.len()]
}

/// Plots online accuracy by task, one line for each replica, the selected one bold. `tasks` is the current time in tasks.
pub fn accuracy(ui: &mut Ui, history: &History, selected: usize, tasks: f64, size: Vec2) {
    let chance = Description::mnist().chance();
    let plot = plot("accuracy", size, tasks)
        .include_y(0.0)
        .include_y(1.0)
        .y_grid_spacer(|_| every(0.2, 0.0, 1.0))
        .y_axis_formatter(|mark, _| format!("{:.1}", mark.value));
    plot.show(ui, |plot| {
        plot.hline(
            HLine::new("chance", chance)
                .color(Color32::GRAY)
                .width(1.0)
                .style(LineStyle::dashed_loose())
                .allow_hover(false),
        );
        let label = RichText::new("chance").size(11.0).color(Color32::GRAY);
        let place = PlotPoint::new(0.0, chance);
        plot.text(Text::new("chance", place, label).anchor(Align2::LEFT_BOTTOM));
        for (number, replica) in history.replicas().iter().enumerate() {
            let score = |s: &trainable::TaskScore| [f64::from(s.task) + 1.0, s.online_accuracy];
            let points: Vec<_> = replica.scores.iter().map(score).collect();
            let (width, radius) = if number == selected {
                (3.0, 3.5)
            } else {
                (1.5, 2.0)
            };
            let name = format!("replica {number}");
            let colour = replica_colour(number);
            plot.line(Line::new(&name, points.clone()).color(colour).width(width));
            plot.points(Points::new(&name, points).color(colour).radius(radius));
        }
    });
}

/// Plots the effective step and the combined bound of one layer over probes, on a logarithmic axis. Violations are marked.
pub fn layer(ui: &mut Ui, number: usize, points: &VecDeque<LayerPoint>, tasks: f64, size: Vec2) {
    let curve = |value: fn(&LayerPoint) -> Option<f64>| -> Vec<[f64; 2]> {
        let height = |point: &LayerPoint| Some([point.tasks, logarithm(value(point)?)?]);
        points.iter().filter_map(height).collect()
    };
    let steps = curve(|point| Some(point.bounds?.effective_step));
    let bounds = curve(|point| Some(point.bounds?.combined));
    let violations = curve(|point| {
        point
            .bounds
            .filter(|_| point.is_violation())
            .map(|b| b.effective_step)
    });
    let plot = plot(("layer", number), size, tasks)
        .y_grid_spacer(decades)
        .y_axis_formatter(|mark, _| power_of_ten(mark.value));
    plot.show(ui, |plot| {
        plot.line(Line::new("combined bound", bounds).color(BOUND).width(1.5));
        plot.line(Line::new("effective step", steps).color(STEP).width(1.5));
        plot.points(
            Points::new("violation", violations)
                .color(VIOLATION)
                .radius(2.5),
        );
    });
}

/// Creates a plot over tasks that cannot be dragged or zoomed.
fn plot<'a>(id: impl std::hash::Hash + std::fmt::Debug, size: Vec2, tasks: f64) -> Plot<'a> {
    Plot::new(id)
        .width(size.x)
        .height(size.y)
        .include_x(0.0)
        .include_x(tasks.max(FEWEST_TASKS))
        .set_margin_fraction(Vec2::new(0.01, 0.06))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_axis_zoom_drag(false)
        .show_crosshair(false)
        .y_axis_min_width(AXIS_WIDTH)
        .grid_color(GRID)
        .grid_fade(0.0)
        .x_grid_spacer(move |input| whole(input.bounds, size.x / ROOM))
        .x_axis_formatter(|mark, _| format!("{:.0}", mark.value))
        .x_axis_label("tasks done")
}

/// Returns log10 of a positive, finite number.
fn logarithm(value: f64) -> Option<f64> {
    (value > 0.0 && value.is_finite()).then(|| value.log10())
}

/// Returns the multiples of `step` from `low` to `high`.
fn every(step: f64, low: f64, high: f64) -> Vec<GridMark> {
    let multiples = (low / step).ceil() as i64..=(high / step + 1e-9).floor() as i64;
    let mark = |k| GridMark {
        value: k as f64 * step,
        step_size: step,
    };
    multiples.map(mark).collect()
}

/// Returns marks at whole numbers that are 1, 2 or 5 times a power of ten apart, at most `most` of them.
fn whole((low, high): (f64, f64), most: f32) -> Vec<GridMark> {
    let steps = (0..).flat_map(|exponent| [1.0, 2.0, 5.0].map(|k| k * 10_f64.powi(exponent)));
    let step = steps
        .into_iter()
        .find(|step| (high - low) / step <= f64::from(most));
    every(step.unwrap_or(1.0), low, high)
}

/// Returns marks on an axis of logarithms: at 1, 2 and 5 times powers of ten, or at powers of ten, seven at most.
fn decades(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let stride = ((high - low) / 7.0).ceil().max(1.0);
    let powers = every(stride, low, high);
    if high - low > 2.5 {
        return powers;
    }
    let multiples = [1_f64, 2.0, 5.0]
        .map(f64::log10)
        .into_iter()
        .flat_map(|part| {
            let parts = every(1.0, low - part, high - part).into_iter();
            parts.map(move |mark| GridMark {
                value: mark.value + part,
                ..mark
            })
        });
    multiples.collect()
}

/// Returns the number whose base-10 logarithm is `logarithm`, to one digit.
fn power_of_ten(logarithm: f64) -> String {
    let number = 10_f64.powf(logarithm);
    match logarithm {
        -3.01..=4.01 => {
            let digits = (-logarithm.floor()).max(0.0) as usize;
            format!("{number:.digits$}")
        }
        _ => format!("{number:.0e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_are_written_as_people_do() {
        let numbers = [1e-5, 0.001, 0.05, 0.1, 1.0, 2.0, 100.0, 1e5];
        let written = numbers.map(|number: f64| power_of_ten(number.log10()));
        let wanted = ["1e-5", "0.001", "0.05", "0.1", "1", "2", "100", "1e5"];
        assert_eq!(written, wanted);
    }

    #[test]
    fn axes_have_few_marks_at_round_numbers() {
        let marks = |spacer: fn(GridInput) -> Vec<GridMark>, low, high| {
            let bounds = (low, high);
            let marks = spacer(GridInput {
                bounds,
                base_step_size: 0.1,
            });
            marks.iter().map(|mark| mark.value).collect::<Vec<_>>()
        };
        assert_eq!(marks(decades, -1.5, 1.2), [-1.0, 0.0, 1.0]);
        let many = [-6.0, -3.0, 0.0, 3.0, 6.0, 9.0, 12.0];
        assert_eq!(marks(decades, -8.5, 12.0), many);
        let few = marks(decades, -1.5, -0.2);
        let few: Vec<_> = few.iter().map(|mark| power_of_ten(*mark)).collect();
        assert_eq!(few, ["0.1", "0.2", "0.05", "0.5"]);
        let marks = |low, high| {
            let marks = whole((low, high), 5.0);
            marks.iter().map(|mark| mark.value).collect::<Vec<_>>()
        };
        assert_eq!(marks(-0.1, 4.1), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(marks(0.0, 99.0), [0.0, 20.0, 40.0, 60.0, 80.0]);
    }

    #[test]
    fn what_has_no_logarithm_is_left_out() {
        assert_eq!(logarithm(100.0), Some(2.0));
        for value in [0.0, -1.0, f64::INFINITY, f64::NAN] {
            assert_eq!(logarithm(value), None);
        }
    }
}
