//! Vertical axes. Linear and logarithmic axes are kuva's. Symmetric logarithmic axes, which kuva lacks, are defined here.

use kuva::render::layout::{Layout, TickFormat};

use super::drawing::extent;

/// The largest number of labels on an axis.
const MOST_TICKS: f64 = 6.0;
/// The smallest value on a logarithmic axis of kuva.
const LEAST_OF_LOG: f64 = 1e-10;
/// The space below and above the values, as a share of their span.
const ROOM: f64 = 0.02;

/// The function from values to heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// The height is the value, from 0 to 1.
    Share,
    /// The height is the logarithm of the value.
    Log,
    /// The height is the value divided by `linear` where the result is at most 1 in size. Beyond that it is 1 + log10 of the
    /// result's size, with the value's sign.
    Symmetric {
        /// A power of ten.
        linear: f64,
    },
}

/// A vertical axis: its kind, and its range of values. Values outside the range are cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) kind: Kind,
    low: f64,
    high: f64,
}

impl Scale {
    /// The axis of accuracies.
    pub(super) const SHARE: Self = Self {
        kind: Kind::Share,
        low: 0.0,
        high: 1.0,
    };

    /// Returns the axis for all of `values`, which are finite. It is logarithmic if none is below 1e-10. Otherwise it is
    /// symmetric, reaches zero, and is linear up to a hundredth of the largest power of ten among the values.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((1.0, 1.0));
        if low >= LEAST_OF_LOG {
            return Self::log(low, high);
        }
        let largest = low.abs().max(high.abs());
        let linear = match largest {
            0.0 => 1.0,
            _ => 10_f64.powf((largest.log10().floor() - 2.0).max(f64::MIN_10_EXP.into())),
        };
        Self {
            kind: Kind::Symmetric { linear },
            low: low.min(0.0),
            high: high.max(0.0),
        }
    }

    /// Returns the logarithmic axis from `low` to `high`. Ends below kuva's smallest value are raised to it. The axis spans
    /// at least a factor of five, so that there are ticks.
    pub(super) fn log(low: f64, high: f64) -> Self {
        let (low, high) = (low.max(LEAST_OF_LOG), high.max(LEAST_OF_LOG));
        let widen = (5.0 * low / high).max(1.0).sqrt();
        Self {
            kind: Kind::Log,
            low: low / widen,
            high: high * widen,
        }
    }

    /// Returns the height of `value` on the axis that kuva draws.
    pub(super) fn height(self, value: f64) -> f64 {
        match self.kind {
            Kind::Symmetric { linear } if value.abs() <= linear => value / linear,
            Kind::Symmetric { linear } => (1.0 + (value.abs() / linear).log10()).copysign(value),
            Kind::Share | Kind::Log => value,
        }
    }

    /// Returns the height at a share of the axis: 0 is the bottom, 1 the top.
    pub(super) fn place(self, share: f64) -> f64 {
        let (low, high) = (self.height(self.low), self.height(self.high));
        let share = share * (1.0 + 2.0 * ROOM) - ROOM;
        match self.kind {
            Kind::Log => low * (high / low).powf(share),
            Kind::Share | Kind::Symmetric { .. } => {
                // An axis with a single value gets half a unit on either side.
                let (low, high) = if low < high {
                    (low, high)
                } else {
                    (low - 0.5, high + 0.5)
                };
                low + share * (high - low)
            }
        }
    }

    /// Returns `layout` with this axis.
    pub(super) fn applied(self, layout: Layout) -> Layout {
        let (low, high) = (self.place(0.0), self.place(1.0));
        let layout = layout.with_y_axis_min(low).with_y_axis_max(high);
        match self.kind {
            Kind::Share => layout.with_y_tick_step(0.2),
            Kind::Log => {
                let decades = (high / low).log10();
                let format = move |value| log_label(value, decades);
                let layout = layout.with_log_y();
                layout.with_y_tick_format(TickFormat::Custom(std::sync::Arc::new(format)))
            }
            Kind::Symmetric { linear } => {
                let format = move |height: f64| number(from_height(height, linear));
                let layout = layout.with_y_tick_step(((high - low) / MOST_TICKS).ceil());
                layout.with_y_tick_format(TickFormat::Custom(std::sync::Arc::new(format)))
            }
        }
    }
}

/// Returns the value at a whole `height` of a symmetric axis.
fn from_height(height: f64, linear: f64) -> f64 {
    match height.round() {
        0.0 => 0.0,
        height => (linear * 10_f64.powf(height.abs() - 1.0)).copysign(height),
    }
}

/// Returns the label of a tick on a logarithmic axis over `decades` powers of ten. kuva has ticks at each power, and on a
/// short axis at 2 and 5 times it, which is more than there is space for. A tick without a label is a line only.
fn log_label(value: f64, decades: f64) -> String {
    let exponent = value.log10().round();
    let is_power = (value.log10() - exponent).abs() < 1e-6;
    let every = (decades / MOST_TICKS).ceil();
    if decades <= 2.0 || is_power && exponent.rem_euclid(every) == 0.0 {
        number(value)
    } else {
        String::new()
    }
}

/// Formats `value`, rounded to one digit: 0.001 to 99999 in full, all else with an exponent.
pub(super) fn number(value: f64) -> String {
    // A number in scientific notation can always be parsed.
    let value = format!("{value:.0e}").parse().unwrap_or(value);
    if value == 0.0 || (1e-3..1e5).contains(&value.abs()) {
        format!("{value}")
    } else {
        format!("{value:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Scale {
        Scale::of(values.iter().copied())
    }

    #[test]
    fn one_value_that_is_not_positive_makes_a_scale_symmetric() {
        let linear = |linear| Kind::Symmetric { linear };
        for (values, kind) in [
            (&[5.0, 140.0][..], Kind::Log),
            (&[], Kind::Log),
            (&[-3.0, 140.0], linear(1.0)),
            (&[0.0, 140.0], linear(1.0)),
            (&[0.0, 0.0], linear(1.0)),
            (&[1e-11, 140.0], linear(1.0)),
        ] {
            assert_eq!(of(values).kind, kind, "{values:?}");
        }
    }

    #[test]
    fn heights_are_those_computed_by_hand() {
        assert_eq!(Scale::SHARE.height(0.3), 0.3);
        assert_eq!(of(&[5.0, 140.0]).height(1000.0), 1000.0);
        let scale = of(&[-30.0]);
        assert_eq!(number(from_height(1.0, 0.1)), "0.1");
        for (value, height) in [
            (0.0, 0.0),
            (0.05, 0.5),
            (0.1, 1.0),
            (1.0, 2.0),
            (-10.0, -3.0),
            (-0.05, -0.5),
        ] {
            let found = scale.height(value);
            assert!((found - height).abs() < 1e-12, "{value}: {found}");
            if height.fract() == 0.0 {
                assert_eq!(number(from_height(height, 0.1)), number(value));
            }
        }
    }

    #[test]
    fn an_axis_holds_its_values_with_room() {
        let scale = of(&[1.0, 100.0]);
        let (low, high) = (scale.place(0.0), scale.place(1.0));
        assert!((low.log10() + 0.04).abs() < 1e-12 && (high.log10() - 2.04).abs() < 1e-12);
        let scale = of(&[-10.0, 0.0]);
        assert!(scale.place(0.0) < scale.height(-10.0) && scale.place(1.0) > 0.0);
    }

    #[test]
    fn logarithmic_axes_have_few_numbers() {
        for (value, decades, wanted) in [
            (0.2, 1.5, "0.2"),
            (0.2, 3.0, ""),
            (0.1, 3.0, "0.1"),
            (1e-5, 6.0, "1e-5"),
            (1e-5, 12.0, ""),
            (1e-6, 12.0, "1e-6"),
        ] {
            assert_eq!(log_label(value, decades), wanted, "{value}");
        }
    }

    #[test]
    fn numbers_are_round_and_short() {
        for (value, wanted) in [
            (2.0 * 10_f64.powi(-5), "2e-5"),
            (10_f64.powi(-3), "0.001"),
            (50_000.0, "50000"),
            (1e5, "1e5"),
            (-20.0, "-20"),
        ] {
            assert_eq!(number(value), wanted, "{value}");
        }
    }

    #[test]
    fn a_narrow_axis_is_widened_and_extremes_have_a_scale() {
        for value in [1.5, 3e-7, 1e-20, 1e20, -5e-324, f64::MIN, 0.0] {
            let scale = of(&[value]);
            let (low, high) = (scale.place(0.0), scale.place(1.0));
            assert!(
                low < high && low.is_finite() && high.is_finite(),
                "{scale:?}"
            );
            if scale.kind == Kind::Log {
                assert!(high / low > 5.0, "{scale:?}");
            }
        }
    }
}
