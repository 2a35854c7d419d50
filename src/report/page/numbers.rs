//! Formatted numbers, and small pictures of intervals.

use maud::{Markup, html};

/// Returns `value` with `decimals` decimals, in an element that holds all of its digits. A missing value is a dash.
pub(super) fn number(value: Option<f64>, decimals: usize) -> Markup {
    let text = |value: f64| format!("{value:.decimals$}");
    html! { (with_digits(value, text)) }
}

/// Returns the element of [`number`], with a plus before a number that is not negative.
pub(super) fn signed(value: Option<f64>, decimals: usize) -> Markup {
    let text = |value: f64| format!("{value:+.decimals$}");
    html! { (with_digits(value, text)) }
}

fn with_digits(value: Option<f64>, text: impl Fn(f64) -> String) -> Markup {
    html! {
        @match value {
            Some(value) => data value=(value) { (text(value).replace('-', "\u{2212}")) },
            None => "\u{2013}",
        }
    }
}

/// The horizontal axis that the intervals of a table share.
pub(super) struct Ruler {
    from: f64,
    to: f64,
    /// The position of a line across all rows.
    mark: Option<f64>,
}

const WIDTH: f64 = 132.0;
/// The space for the dot of a value at an end of the axis.
const EDGE: f64 = 5.0;
const HEIGHT: f64 = 18.0;

impl Ruler {
    /// Creates a ruler from `from` to `to`, which is larger, with a line at `mark` if there is one.
    pub(super) fn new(from: f64, to: f64, mark: Option<f64>) -> Self {
        Self { from, to, mark }
    }

    /// Creates a ruler that is symmetric about zero and contains all of `values`.
    pub(super) fn around_zero(values: impl Iterator<Item = f64>) -> Self {
        let reach = values.map(f64::abs).fold(1e-3, f64::max);
        Self::new(-reach, reach, Some(0.0))
    }

    fn place(&self, value: f64) -> String {
        let share = (value - self.from) / (self.to - self.from);
        format!("{:.1}", EDGE + share * (WIDTH - 2.0 * EDGE))
    }

    /// Draws a line from `low` to `high`, and a dot at `value`. A missing value has no dot, and missing ends have no line.
    pub(super) fn interval(&self, value: Option<f64>, ends: Option<(f64, f64)>) -> Markup {
        let is_drawn = |value: &f64| value.is_finite();
        let value = value.filter(is_drawn);
        let ends = ends.filter(|(low, high)| is_drawn(low) && is_drawn(high));
        html! {
            svg.interval width=(WIDTH) height=(HEIGHT) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } aria-hidden="true" {
                @if let Some(mark) = self.mark.map(|mark| self.place(mark)) {
                    line.mark x1=(mark) x2=(mark) y1="0" y2=(HEIGHT) {}
                }
                @if let Some((low, high)) = ends {
                    line.range x1=(self.place(low)) x2=(self.place(high)) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) {}
                }
                @if let Some(value) = value {
                    circle cx=(self.place(value)) cy=(HEIGHT / 2.0) r="3.5" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_their_digits() {
        let of = |markup: Markup| markup.into_string();
        assert_eq!(
            of(number(Some(0.377_644_5), 3)),
            "<data value=\"0.3776445\">0.378</data>"
        );
        assert_eq!(
            of(signed(Some(-0.121_9), 3)),
            "<data value=\"-0.1219\">\u{2212}0.122</data>"
        );
        assert_eq!(of(signed(Some(0.5), 1)), "<data value=\"0.5\">+0.5</data>");
        assert_eq!(of(number(None, 3)), "\u{2013}");
        assert_eq!(
            of(number(Some(f64::NAN), 3)),
            "<data value=\"NaN\">NaN</data>"
        );
    }

    #[test]
    fn intervals_have_their_places_on_the_ruler() {
        let ruler = Ruler::new(0.0, 1.0, Some(0.5));
        assert_eq!(
            [0.0, 0.25, 1.0].map(|x| ruler.place(x)),
            ["5.0", "35.5", "127.0"]
        );
        let zero = Ruler::around_zero([0.1, -0.4].into_iter());
        assert_eq!(
            [-0.4, 0.0, 0.4].map(|x| zero.place(x)),
            ["5.0", "66.0", "127.0"]
        );
    }

    #[test]
    fn what_has_no_place_is_not_drawn() {
        let ruler = Ruler::new(0.0, 1.0, Some(0.5));
        let drawn = |value, ends| ruler.interval(value, ends).into_string();
        assert!(drawn(Some(0.5), Some((0.4, 0.6))).contains("circle"));
        let nothing = drawn(Some(f64::NAN), Some((0.4, f64::INFINITY)));
        assert_eq!(nothing, drawn(None, None));
        assert!(!nothing.contains("NaN") && !nothing.contains("circle"));
    }
}
