//! Statistics of rows: scores of runs, intervals over seeds, and early warning of drops in accuracy.
//!
//! - `bootstrap`: percentile bootstrap intervals, of single values and of paired differences.
//! - `student`: Student's t intervals, which hold with few seeds.
//! - `roc`: the area under a ROC curve and its best threshold.
//! - `early_warning`: how well, and how many tasks ahead, an indicator warns of a drop in accuracy.
//! - `score`: the score of one run.

mod bootstrap;
mod early_warning;
mod roc;
mod score;
mod student;

use crate::error::Error;

pub(crate) use bootstrap::{Bootstrap, Interval, paired_difference};
pub(crate) use early_warning::{ACCURACY_DROP, IndicatorRun, lead_time, pooled_auroc};
pub(crate) use score::score;
pub use student::student_interval;

/// The mean of `values`; NaN where there are none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean of `values`; `None` where there are none.
pub(crate) fn mean_if_any(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value));
    (count > 0).then(|| sum / f64::from(count))
}

/// Fails if `values` has a NaN. The error names the values `what`.
fn check_numbers(what: &'static str, values: &[f64]) -> Result<(), Error> {
    let Some(index) = values.iter().position(|value| value.is_nan()) else {
        return Ok(());
    };
    Err(Error::invalid(what, "a number", format!("NaN at {index}")))
}

/// Fails unless `level` is a confidence level.
fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    let wanted = "more than 0, below 1";
    Err(Error::invalid("confidence level", wanted, level))
}

/// Returns the quantile `p` of `ascending`, which is sorted and not empty, by linear interpolation around place p (n - 1).
fn quantile(ascending: &[f64], p: f64) -> f64 {
    let place = p * (ascending.len() - 1) as f64;
    let (below, above) = (
        ascending[place.floor() as usize],
        ascending[place.ceil() as usize],
    );
    if below == above {
        return below;
    }
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Stream, draw, unit_uniform};

    /// Returns a number from 0 to 1 that depends on all three arguments.
    pub(super) fn uniform(seed: u32, a: u32, b: u32) -> f64 {
        unit_uniform(draw(seed, Stream::Labels, a, b)).into()
    }

    #[test]
    fn quantiles_by_hand() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (p, expected) in [(0.0, 1.0), (0.5, 4.0), (0.625, 6.0), (1.0, 16.0)] {
            assert_eq!(quantile(&values, p), expected);
        }
        assert_eq!(quantile(&[3.0], 0.3), 3.0);
        assert_eq!(quantile(&[f64::INFINITY; 2], 0.5), f64::INFINITY);
    }
}
