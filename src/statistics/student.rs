//! Student's t intervals of a mean over few seeds.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::{check_level, check_numbers};
use crate::error::Error;

/// Computes both ends of the interval mean ± t s / sqrt(n) of the mean of `values`, at `level` (0.95 for 95%). s is the
/// standard deviation, with n - 1. t is the quantile (1 + level) / 2 of Student's distribution with n - 1 degrees of
/// freedom. Returns `None` with fewer than two values, which show no spread.
///
/// The interval is valid where the values are independent and normally distributed, whatever their number. A percentile
/// bootstrap of a few values is narrower: for 5 by a third or more.
///
/// # Errors
/// Returns [`Error::Invalid`] for a NaN among the values, or a level outside its range.
pub fn student_interval(values: &[f64], level: f64) -> Result<Option<(f64, f64)>, Error> {
    check_level(level)?;
    check_numbers("value", values)?;
    if values.len() < 2 {
        return Ok(None);
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let half = quantile((1.0 + level) / 2.0, count - 1.0)? * error;
    Ok(Some((mean - half, mean + half)))
}

/// Returns the value below which the share `p` of Student's distribution lies. `freedom` is the number of degrees of
/// freedom, 1 or more.
fn quantile(p: f64, freedom: f64) -> Result<f64, Error> {
    let distribution = StudentsT::new(0.0, 1.0, freedom);
    let distribution =
        distribution.map_err(|_| Error::invalid("degrees of freedom", "more than 0", freedom))?;
    Ok(distribution.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each entry has p, degrees of freedom, and the quantile from numerical integration of the density. Printed tables
    /// agree.
    const TABLE: [(f64, f64, f64); 10] = [
        (0.975, 1.0, 12.706_204_736_17),
        (0.975, 2.0, 4.302_652_729_75),
        (0.975, 3.0, 3.182_446_305_28),
        (0.975, 4.0, 2.776_445_105_20),
        (0.975, 5.0, 2.570_581_835_64),
        (0.975, 9.0, 2.262_157_162_80),
        (0.975, 30.0, 2.042_272_456_30),
        (0.975, 1_000.0, 1.962_339_080_83),
        (0.995, 4.0, 4.604_094_871_35),
        (0.995, 30.0, 2.749_995_653_57),
    ];

    #[test]
    fn quantiles_are_those_of_tables() {
        for (p, freedom, wanted) in TABLE {
            let found = quantile(p, freedom).unwrap();
            assert!(
                (found / wanted - 1.0).abs() < 1e-9,
                "{freedom}: {found} {wanted}"
            );
        }
        // The comparison tells neighbouring degrees of freedom apart.
        assert!((quantile(0.975, 5.0).unwrap() / TABLE[3].2 - 1.0).abs() > 0.05);
    }

    #[test]
    fn an_interval_is_the_one_computed_by_hand() {
        // The mean is 3, the squares are 4 + 1 + 0 + 1 + 4 = 10, s^2 = 2.5 and s / sqrt(5) = sqrt(0.5).
        let half = 2.776_445_105_2 * 0.5_f64.sqrt();
        let (low, high) = student_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95)
            .unwrap()
            .unwrap();
        assert!((low - (3.0 - half)).abs() < 1e-8 && (high - (3.0 + half)).abs() < 1e-8);
        assert_eq!(
            student_interval(&[0.25; 3], 0.95).unwrap(),
            Some((0.25, 0.25))
        );
        assert_eq!(student_interval(&[0.25], 0.95).unwrap(), None);
        assert_eq!(student_interval(&[], 0.95).unwrap(), None);
    }

    #[test]
    fn what_has_no_interval_is_refused() {
        for level in [0.0, 1.0, -0.5, f64::NAN] {
            let error = student_interval(&[1.0, 2.0], level)
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("confidence level: wanted more than 0, below 1"),
                "{error}"
            );
        }
        let error = student_interval(&[1.0, f64::NAN], 0.95).unwrap_err();
        assert_eq!(error.to_string(), "value: wanted a number, found NaN at 1");
    }
}
