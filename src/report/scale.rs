//! Vertical axes: plain ones, and those over many powers of ten.

use super::plots::extent;

/// Numbers on an axis, at most.
const MOST_TICKS: usize = 6;
/// The smallest positive number.
const SMALLEST: f64 = f64::from_bits(1);

/// How values become heights. All kinds but the first count powers of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// The value.
    Linear,
    /// log10 of the value; below all others where it has none.
    Log,
    /// The value over `linear` where it is at most 1; beyond, 1 + log10 of it, with the value's sign.
    Symmetric {
        /// A power of ten.
        linear: f64,
    },
}

impl Scale {
    /// Logarithmic if all finite `values` are positive. Otherwise symmetric, and linear up to a hundredth of the
    /// largest power of ten among them.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values).unwrap_or((1.0, 1.0));
        let largest = low.abs().max(high.abs());
        match low {
            0.0 if high == 0.0 => Self::Symmetric { linear: 1.0 },
            ..=0.0 => Self::Symmetric {
                linear: power_of_ten(largest.log10().floor() as i32 - 2),
            },
            _ => Self::Log,
        }
    }

    /// Where `value` stands on the axis.
    pub(super) fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(SMALLEST).log10(),
            Self::Symmetric { linear } if value.abs() <= linear => value / linear,
            Self::Symmetric { linear } => (1.0 + (value.abs() / linear).log10()).copysign(value),
        }
    }

    /// The heights that an axis must show to hold `values`: powers of ten span at least a factor of five, or reach
    /// zero, so that there are ticks.
    pub(super) fn span(self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let heights = extent(values.map(|value| self.height(value)));
        let (low, high) = heights.unwrap_or((0.0, 0.0));
        match self {
            Self::Linear => (low, high),
            Self::Log => {
                let widen = (5_f64.log10() - (high - low)).max(0.0) / 2.0;
                (low - widen, high + widen)
            }
            Self::Symmetric { .. } => (low.min(0.0), high.max(0.0)),
        }
    }

    /// Heights of round values from `low` to `high`, with the values.
    pub(super) fn ticks(self, low: f64, high: f64) -> Vec<(f64, String)> {
        if self == Self::Linear {
            return linear_ticks(low, high);
        }
        let candidates = [(1, &[1, 2, 5][..])]
            .into_iter()
            .chain((1..).map(|stride| (stride, &[1][..])));
        candidates
            .map(|(stride, factors)| self.ticks_at(low, high, stride, factors))
            .find(|ticks| ticks.len() <= MOST_TICKS)
            .unwrap_or_default()
    }

    /// At `factors` times every `stride`th power of ten.
    fn ticks_at(self, low: f64, high: f64, stride: usize, factors: &[i64]) -> Vec<(f64, String)> {
        let decades = (low.floor() as i32..=high.ceil() as i32)
            .filter(|decade| decade.rem_euclid(stride as i32) == 0);
        let ticks = decades.flat_map(|decade| match self {
            Self::Linear => Vec::new(),
            Self::Log => factors
                .iter()
                .map(|factor| self.tick(decimal(*factor, decade)))
                .collect(),
            Self::Symmetric { linear } => {
                let power = linear.log10().round() as i32 + decade.abs() - 1;
                vec![self.tick(f64::from(decade.signum()) * power_of_ten(power))]
            }
        });
        ticks
            .filter(|(height, _)| (low..=high).contains(height))
            .collect()
    }

    fn tick(self, value: f64) -> (f64, String) {
        (self.height(value), number(value))
    }
}

/// At multiples of the smallest of 1, 2 and 5 times a power of ten that makes few enough.
fn linear_ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let least = (high - low) / MOST_TICKS as f64;
    let first = least.log10().floor() as i32;
    let steps = (first..=first + 1).flat_map(|exponent| [1, 2, 5].map(|factor| (factor, exponent)));
    steps
        .map(|(factor, exponent)| {
            let step = decimal(factor, exponent);
            let multiples = (low / step).ceil() as i64..=(high / step).floor() as i64;
            let values = multiples.map(|k| decimal(k * factor, exponent));
            values.map(|value| (value, number(value))).collect()
        })
        .find(|ticks: &Vec<_>| ticks.len() <= MOST_TICKS)
        .unwrap_or_default()
}

/// `factor * 10^exponent`, rounded once, so that it is written without a tail.
fn decimal(factor: i64, exponent: i32) -> f64 {
    // A number in scientific notation is always read.
    format!("{factor}e{exponent}").parse().unwrap_or(f64::NAN)
}

fn power_of_ten(exponent: i32) -> f64 {
    decimal(1, exponent.max(f64::MIN_10_EXP))
}

/// As people write it: 0.001 to 99999 in full, all else with an exponent.
pub(super) fn number(value: f64) -> String {
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

    fn numbers(scale: Scale, low: f64, high: f64) -> Vec<String> {
        let (low, high) = scale.span([low, high].into_iter());
        let ticks = scale.ticks(low, high);
        ticks.into_iter().map(|(_, number)| number).collect()
    }

    #[test]
    fn one_value_that_is_not_positive_makes_a_scale_symmetric() {
        assert_eq!(of(&[5.0, 140.0]), Scale::Log);
        assert_eq!(of(&[]), Scale::Log);
        assert_eq!(of(&[-3.0, 140.0]), Scale::Symmetric { linear: 1.0 });
        assert_eq!(of(&[-0.02, 0.003]), Scale::Symmetric { linear: 1e-4 });
        assert_eq!(of(&[0.0, 140.0]), Scale::Symmetric { linear: 1.0 });
        assert_eq!(of(&[0.0, 0.0]), Scale::Symmetric { linear: 1.0 });
    }

    #[test]
    fn heights_are_those_computed_by_hand() {
        assert_eq!(Scale::Linear.height(-0.3), -0.3);
        assert_eq!(Scale::Log.height(1000.0), 3.0);
        let scale = Scale::Symmetric { linear: 0.1 };
        for (value, height) in [
            (0.0, 0.0),
            (0.05, 0.5),
            (0.1, 1.0),
            (1.0, 2.0),
            (-10.0, -3.0),
            (-0.05, -0.5),
        ] {
            assert_eq!(scale.height(value), height, "{value}");
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            numbers(Scale::Log, 5.0, 140.0),
            ["5", "10", "20", "50", "100"]
        );
        assert_eq!(
            numbers(Scale::Log, 1e-6, 1.0),
            ["1e-6", "1e-4", "0.01", "1"]
        );
        assert_eq!(numbers(Scale::Log, 1e-300, 1e300).len(), 5);
        let scale = of(&[-3.0, 140.0]);
        assert_eq!(numbers(scale, -3.0, 140.0), ["-1", "0", "1", "10", "100"]);
        assert_eq!(numbers(scale, 5.0, 140.0), ["0", "1", "10", "100"]);
        let scale = of(&[-5.0, -5.0]);
        assert_eq!(numbers(scale, -5.0, -5.0), ["-1", "-0.1", "-0.01", "0"]);
    }

    #[test]
    fn a_linear_axis_has_round_ticks() {
        assert_eq!(
            numbers(Scale::Linear, 0.0, 1.0),
            ["0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(
            numbers(Scale::Linear, -0.35, 0.21),
            ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2"]
        );
        assert_eq!(numbers(Scale::Linear, 1.0, 40.0), ["10", "20", "30", "40"]);
    }

    #[test]
    fn what_has_no_logarithm_is_below_everything_that_has() {
        let lowest = Scale::Log.height(5e-324);
        for value in [0.0, -0.0, -3.0] {
            assert_eq!(Scale::Log.height(value), lowest);
        }
        assert!(lowest.is_finite() && lowest < -323.0);
    }

    #[test]
    fn a_narrow_log_axis_still_has_two_ticks() {
        for value in [1.0, 1.5, 2.3, 3.3, 4.9, 9.99, 3e-7, 1e-20, 1e20] {
            let ticks = numbers(Scale::Log, value, value);
            assert!(ticks.len() >= 2, "{value}: {ticks:?}");
        }
    }

    #[test]
    fn the_smallest_and_the_largest_numbers_have_a_scale() {
        for value in [-5e-324, -f64::MIN_POSITIVE, f64::MIN] {
            let scale = of(&[value]);
            assert!(scale.height(value).is_finite(), "{value}: {scale:?}");
            assert!(numbers(scale, value, value).len() <= MOST_TICKS);
        }
    }
}
