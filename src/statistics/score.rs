//! The score of one run, from its online accuracies.

use super::mean;

/// The score of one replica's run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score {
    /// Mean online accuracy over all tasks.
    pub(crate) mean: f64,
    /// Mean over the last five tasks; over all of them when there are fewer.
    pub(crate) last_five: f64,
    /// The slope of the least-squares line, in accuracy per task; NaN for a single task, which has none.
    pub(crate) slope: f64,
}

/// Scores a run from the online accuracies of its tasks, in order. Returns `None` if there are none.
///
/// A NaN is not hidden: every number to which it contributes is NaN.
pub(crate) fn score(online_accuracies: &[f64]) -> Option<Score> {
    if online_accuracies.is_empty() {
        return None;
    }
    let last_five = online_accuracies.len().saturating_sub(5);
    Some(Score {
        mean: mean(online_accuracies),
        last_five: mean(&online_accuracies[last_five..]),
        slope: slope(online_accuracies),
    })
}

/// Computes sum (k - mean k) (y_k - mean y) / sum (k - mean k)^2 for k = 0, 1, ...
fn slope(values: &[f64]) -> f64 {
    let middle = (values.len() - 1) as f64 / 2.0;
    let mean = mean(values);
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (k, value) in values.iter().enumerate() {
        let offset = k as f64 - middle;
        covariance += offset * (value - mean);
        variance += offset * offset;
    }
    covariance / variance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_computed_by_hand() {
        // The mean is 36 / 8, and the last five are 0, 7, 8, 9, 5. For the slope, the offsets -3.5 ... 3.5 times 1, 2, 4, 0,
        // 7, 8, 9, 5 sum to 41, and their squares to 42.
        assert_eq!(
            score(&[1.0, 2.0, 4.0, 0.0, 7.0, 8.0, 9.0, 5.0]),
            Some(Score {
                mean: 4.5,
                last_five: 5.8,
                slope: 41.0 / 42.0,
            })
        );
    }

    #[test]
    fn fewer_than_five_tasks_are_all_the_last_five() {
        assert_eq!(
            score(&[1.0, 0.5, 0.0]),
            Some(Score {
                mean: 0.5,
                last_five: 0.5,
                slope: -0.5,
            })
        );
    }

    #[test]
    fn one_task_has_no_slope_and_no_task_no_score() {
        let one = score(&[0.75]).unwrap();
        assert_eq!((one.mean, one.last_five), (0.75, 0.75));
        assert!(one.slope.is_nan());
        assert_eq!(score(&[]), None);
    }

    #[test]
    fn a_nan_is_in_every_number_it_is_part_of() {
        let early = score(&[f64::NAN, 1.0, 1.0, 1.0, 1.0, 1.0]).unwrap();
        assert!(early.mean.is_nan() && early.slope.is_nan());
        assert_eq!(early.last_five, 1.0);
        let late = score(&[1.0, 1.0, f64::NAN]).unwrap();
        assert!(late.mean.is_nan() && late.last_five.is_nan() && late.slope.is_nan());
    }
}
