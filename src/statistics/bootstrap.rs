//! Bootstrap intervals over clusters. A cluster is a seed.

use super::{check_level, check_numbers, quantile};
use crate::error::Error;
use crate::rng::{Stream, draw};

/// A statistic with a confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// The interval's lower end.
    pub(crate) low: f64,
    /// The statistic of the sample itself.
    pub(crate) estimate: f64,
    /// The interval's upper end.
    pub(crate) high: f64,
    /// The number of resamples in which the statistic was defined. The interval is over these.
    pub(crate) resamples: u32,
}

/// The percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
///
/// It resamples whole clusters. Each cluster must be a seed, because the tasks and probes of one seed are not independent.
/// With few clusters the interval is too narrow: for the mean of n by about sqrt((n - 1) / n), and by more because of the
/// tails. For means over a few seeds see [`student_interval`](super::student_interval).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bootstrap {
    /// The confidence level, above 0 and below 1.
    pub(crate) level: f64,
    /// The number of resamples. Each has as many clusters as the sample, drawn with replacement.
    pub(crate) resamples: u32,
    /// The seed of the draws. The same seed gives the same interval on every machine.
    pub(crate) seed: u32,
}

impl Default for Bootstrap {
    /// Returns the settings 95%, 2,000 resamples and seed 0.
    fn default() -> Self {
        Self {
            level: 0.95,
            resamples: 2_000,
            seed: 0,
        }
    }
}

impl Bootstrap {
    /// Computes the interval of `statistic`, which may be undefined (`None`, or NaN) for some samples. Returns `None` with
    /// fewer than two clusters, which show no spread. Also returns `None` where the statistic is undefined for all clusters
    /// together, or for every resample.
    ///
    /// # Errors
    /// Returns [`Error::Invalid`] for a level or a number of resamples outside its range.
    pub(crate) fn interval<T>(
        &self,
        clusters: &[T],
        statistic: impl Fn(&[&T]) -> Option<f64>,
    ) -> Result<Option<Interval>, Error> {
        self.check()?;
        let defined = |sample: &[&T]| statistic(sample).filter(|value| !value.is_nan());
        let all: Vec<_> = clusters.iter().collect();
        let Some(estimate) = defined(&all).filter(|_| clusters.len() > 1) else {
            return Ok(None);
        };
        let resamples = 0..self.resamples;
        let mut values: Vec<_> = resamples
            .filter_map(|resample| defined(&self.resample(clusters, resample)))
            .collect();
        if values.is_empty() {
            return Ok(None);
        }
        values.sort_by(f64::total_cmp);
        let outside = (1.0 - self.level) / 2.0;
        Ok(Some(Interval {
            low: quantile(&values, outside),
            estimate,
            high: quantile(&values, 1.0 - outside),
            resamples: values.len() as u32,
        }))
    }

    fn check(&self) -> Result<(), Error> {
        check_level(self.level)?;
        if self.resamples == 0 {
            return Err(Error::invalid("resamples", "1 or more", self.resamples));
        }
        Ok(())
    }

    fn resample<'a, T>(&self, clusters: &'a [T], resample: u32) -> Vec<&'a T> {
        let places = 0..clusters.len() as u32;
        places
            .map(|place| draw(self.seed, Stream::Bootstrap, resample, place))
            .map(|bits| &clusters[((u64::from(bits) * clusters.len() as u64) >> 32) as usize])
            .collect()
    }
}

/// Computes the mean of a_i - b_i over seeds i, with its interval. Pairs are resampled whole. Returns `None` with fewer than
/// two pairs.
///
/// # Errors
/// Returns [`Error::Length`] for different lengths, [`Error::Invalid`] for a NaN among the values, and the errors of
/// [`Bootstrap::interval`].
pub(crate) fn paired_difference(
    a: &[f64],
    b: &[f64],
    bootstrap: &Bootstrap,
) -> Result<Option<Interval>, Error> {
    Error::check_length("paired values", a.len(), b.len())?;
    check_numbers("paired value", a)?;
    check_numbers("paired value", b)?;
    let differences: Vec<_> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    bootstrap.interval(&differences, |sample| Some(mean(sample)))
}

fn mean(values: &[&f64]) -> f64 {
    values.iter().copied().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::super::tests::uniform;
    use super::*;

    /// Returns the share of 400 experiments in which the interval of the mean covers one half, the mean of a uniform
    /// distribution. An experiment has 30 clusters of ten equal values. `whole` is whether the bootstrap resamples whole
    /// clusters.
    fn coverage(whole: bool) -> f64 {
        const EXPERIMENTS: u32 = 400;
        let covered = |experiment: &u32| {
            let clusters: Vec<_> = (0..30)
                .map(|i| vec![uniform(9, *experiment, i); 10])
                .collect();
            let bootstrap = Bootstrap {
                resamples: 300,
                seed: *experiment,
                ..Bootstrap::default()
            };
            let mean_of = |sample: &[&Vec<f64>]| {
                let values = sample.iter().copied().flatten();
                Some(values.sum::<f64>() / (10 * sample.len()) as f64)
            };
            let interval = if whole {
                bootstrap.interval(&clusters, mean_of)
            } else {
                bootstrap.interval(&clusters.concat(), |sample| Some(mean(sample)))
            };
            let interval = interval.unwrap().unwrap();
            assert!(interval.low < interval.estimate && interval.estimate < interval.high);
            (interval.low..interval.high).contains(&0.5)
        };
        (0..EXPERIMENTS).filter(covered).count() as f64 / f64::from(EXPERIMENTS)
    }

    #[test]
    fn intervals_over_clusters_cover_the_mean_as_often_as_they_say() {
        let whole = coverage(true);
        assert!((0.90..0.98).contains(&whole), "{whole}");
        // Values that are resampled one by one seem ten times as many as they are.
        let single = coverage(false);
        assert!(single < 0.65, "{single}");
    }

    #[test]
    fn the_interval_is_that_of_the_normal_distribution_for_many_clusters() {
        let values: Vec<_> = (0..400).map(|i| uniform(3, 0, i)).collect();
        let of = |level| {
            let bootstrap = Bootstrap {
                level,
                ..Bootstrap::default()
            };
            let interval = bootstrap.interval(&values, |sample| Some(mean(sample)));
            interval.unwrap().unwrap()
        };
        // The mean's standard error is 1 / sqrt(12 * 400). The two levels reach 1.96 and 1.645 standard errors.
        for (level, errors) in [(0.95, 1.96), (0.9, 1.645)] {
            let interval = of(level);
            let expected = 2.0 * errors / 4800_f64.sqrt();
            let width = interval.high - interval.low;
            assert!(
                (width / expected - 1.0).abs() < 0.1,
                "{level}: {width}, not {expected}"
            );
            assert_eq!(interval.resamples, 2_000);
        }
    }

    #[test]
    fn intervals_repeat_themselves_and_depend_on_the_seed() {
        let values: Vec<_> = (0..20).map(|i| uniform(3, 0, i)).collect();
        let of = |seed| {
            let bootstrap = Bootstrap {
                seed,
                ..Bootstrap::default()
            };
            bootstrap
                .interval(&values, |sample| Some(mean(sample)))
                .unwrap()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn one_cluster_has_no_interval() {
        let of = |values: &[f64]| {
            Bootstrap::default()
                .interval(values, |v| Some(mean(v)))
                .unwrap()
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[1.0]), None);
        assert!(of(&[1.0, 2.0]).is_some());
    }

    #[test]
    fn paired_differences_forget_what_pairs_share() {
        // Seeds differ by up to 1. Values a and b of one seed differ by 0.1 to 0.11.
        let b: Vec<_> = (0..12).map(|i| uniform(5, 0, i)).collect();
        let a: Vec<_> = (0..12)
            .map(|i| b[i as usize] + 0.1 + 0.01 * uniform(5, 1, i))
            .collect();
        let bootstrap = Bootstrap::default();
        let interval = paired_difference(&a, &b, &bootstrap).unwrap().unwrap();
        let expected = a.iter().sum::<f64>() / 12.0 - b.iter().sum::<f64>() / 12.0;
        assert!((interval.estimate - expected).abs() < 1e-12);
        assert!(0.1 < interval.low && interval.high < 0.11, "{interval:?}");
        let reversed = paired_difference(&b, &a, &bootstrap).unwrap().unwrap();
        assert_eq!(reversed.estimate, -interval.estimate);
    }

    #[test]
    fn bootstraps_that_cannot_be_are_refused() {
        let with = |level, resamples| {
            let bootstrap = Bootstrap {
                level,
                resamples,
                seed: 0,
            };
            paired_difference(&[1.0, 2.0], &[2.0, 4.0], &bootstrap)
        };
        with(0.5, 1).unwrap();
        for (level, resamples) in [(0.0, 1), (1.0, 1), (f64::NAN, 1), (0.5, 0)] {
            with(level, resamples).unwrap_err();
        }
        let bootstrap = Bootstrap::default();
        for (a, b, message) in [
            (
                [1.0, 2.0],
                &[1.0][..],
                "paired values: wanted 2 elements, found 1",
            ),
            (
                [1.0, 2.0],
                &[1.0, f64::NAN],
                "paired value: wanted a number, found NaN at 1",
            ),
        ] {
            let error = paired_difference(&a, b, &bootstrap).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }
}
