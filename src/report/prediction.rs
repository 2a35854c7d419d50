//! Does an indicator foretell that accuracy drops? Areas under ROC curves, lead times, and bootstrap intervals over
//! seeds.

use crate::error::Error;
use crate::rng::{Stream, draw};

/// The fall of online accuracy from one task to the next that counts as a drop when more is lost.
pub const ACCURACY_DROP: f64 = 0.05;

/// The area under the ROC curve: how likely a score with label true is above one with label false, a tie counting one
/// half (the Mann-Whitney statistic U over the number of pairs). `None` where one label does not occur.
///
/// # Errors
/// [`Error::Length`] for another number of labels than of scores, [`Error::Invalid`] for a score that is NaN. Infinite
/// scores are fine.
pub fn auroc(scores: &[f64], labels: &[bool]) -> Result<Option<f64>, Error> {
    Error::check_length("labels", scores.len(), labels.len())?;
    check_numbers("score", scores)?;
    Ok(area(scores.iter().copied().zip(labels.iter().copied())))
}

pub(super) fn check_numbers(what: &'static str, values: &[f64]) -> Result<(), Error> {
    let Some(index) = values.iter().position(|value| value.is_nan()) else {
        return Ok(());
    };
    Err(Error::invalid(what, "a number", format!("NaN at {index}")))
}

/// (R - p (p + 1) / 2) / (p n): R the sum of the ranks of the p scores with label true, from 1, the mean rank in a tie;
/// n scores have label false. No score is NaN.
fn area(pairs: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
    let mut ascending: Vec<_> = pairs.collect();
    ascending.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let (mut ranks, mut below) = (0.0, 0);
    for tie in ascending.chunk_by(|(a, _), (b, _)| a == b) {
        let mean_rank = below as f64 + (tie.len() + 1) as f64 / 2.0;
        ranks += mean_rank * positives(tie) as f64;
        below += tie.len();
    }
    let p = positives(&ascending) as f64;
    let n = ascending.len() as f64 - p;
    (p * n > 0.0).then(|| (ranks - p * (p + 1.0) / 2.0) / (p * n))
}

fn positives(pairs: &[(f64, bool)]) -> usize {
    pairs.iter().filter(|(_, label)| *label).count()
}

/// An indicator along one run.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorRun {
    scores: Vec<f64>,
    /// Whether accuracy drops at the next task; `None` where it cannot.
    drops: Vec<Option<bool>>,
}

impl IndicatorRun {
    /// `scores` and `online_accuracies` have one entry per task. At task k accuracy drops if it is more than `drop`
    /// below that of task k - 1. Where that would be below `floor`, which is chance, accuracy cannot drop: such a pair
    /// of tasks says nothing of an indicator and is left out.
    ///
    /// # Errors
    /// [`Error::Length`] for different lengths, [`Error::Invalid`] for a NaN among them.
    pub fn new(
        scores: &[f64],
        online_accuracies: &[f64],
        drop: f64,
        floor: f64,
    ) -> Result<Self, Error> {
        Error::check_length("online accuracies", scores.len(), online_accuracies.len())?;
        check_numbers("score", scores)?;
        check_numbers("online accuracy", online_accuracies)?;
        check_numbers("drop", &[drop, floor])?;
        let fallen = |pair: &[f64]| (pair[0] - drop >= floor).then_some(pair[1] < pair[0] - drop);
        Ok(Self {
            scores: scores.to_vec(),
            drops: online_accuracies.windows(2).map(fallen).collect(),
        })
    }

    /// The score of each task but the last, with whether accuracy drops at the next task, where it can.
    pub fn pairs(&self) -> impl Iterator<Item = (f64, bool)> {
        let pairs = self.scores.iter().zip(&self.drops);
        pairs.filter_map(|(score, drops)| Some((*score, (*drops)?)))
    }

    /// For each drop, at task k: how many tasks k - 1, k - 2, ... have an alarm, without a gap.
    fn leads(&self, threshold: f64) -> Vec<usize> {
        let alarmed = |score: &&f64| **score > threshold;
        let before = (1..)
            .zip(&self.drops)
            .filter(|(_, dropped)| **dropped == Some(true));
        before
            .map(|(k, _)| self.scores[..k].iter().rev().take_while(alarmed).count())
            .collect()
    }
}

/// How well a task's score tells whether accuracy drops at the next task: [`auroc`] of the pairs of all runs together.
pub fn pooled_auroc(runs: &[&IndicatorRun]) -> Option<f64> {
    area(runs.iter().flat_map(|run| run.pairs()))
}

/// How long before a drop an indicator gives the alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeadTime {
    /// A task has an alarm if its score is above this.
    pub threshold: f64,
    /// True positive rate less false positive rate at the threshold (Youden's J).
    pub youden: f64,
    /// Drops, over all runs.
    pub drops: usize,
    /// Those with an alarm at the task before.
    pub warned: usize,
    /// Alarms that no drop followed, over all runs.
    pub false_alarms: usize,
    /// The median lead over all drops, in tasks.
    pub median: f64,
}

/// The lead time of an indicator over `runs`; `None` where accuracy always drops, or never.
///
/// A task has an alarm if its score is above the threshold. The lead of a drop at task k is k - j, where j is the first
/// task of the uninterrupted stretch of alarms that ends at task k - 1; it is 0 where task k - 1 has no alarm. The
/// score of task k itself comes too late to count. A stretch may span an earlier drop.
///
/// The threshold, one for all runs, is the score for which Youden's J over [`IndicatorRun::pairs`] is largest; of equal
/// ones the highest, which gives the fewest alarms. It is chosen with the drops in view: compare indicators by it, or
/// take it to other seeds, but do not read J as what to expect there.
pub fn lead_time(runs: &[&IndicatorRun]) -> Option<LeadTime> {
    let (threshold, youden) = youden_threshold(runs.iter().flat_map(|run| run.pairs()))?;
    let mut leads: Vec<_> = runs.iter().flat_map(|run| run.leads(threshold)).collect();
    leads.sort_unstable();
    let leads: Vec<_> = leads.into_iter().map(|lead| lead as f64).collect();
    Some(LeadTime {
        threshold,
        youden,
        drops: leads.len(),
        warned: leads.iter().filter(|lead| **lead > 0.0).count(),
        false_alarms: runs
            .iter()
            .flat_map(|run| run.pairs())
            .filter(|(score, drops)| !drops && *score > threshold)
            .count(),
        median: quantile(&leads, 0.5),
    })
}

/// The highest score with the largest J, and J; `None` where one label does not occur.
fn youden_threshold(pairs: impl Iterator<Item = (f64, bool)>) -> Option<(f64, f64)> {
    let mut descending: Vec<_> = pairs.collect();
    descending.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let all_true = positives(&descending);
    let all_false = descending.len() - all_true;
    if all_true == 0 || all_false == 0 {
        return None;
    }
    // Above the highest score nothing is: J = 0.
    let (mut true_alarms, mut false_alarms) = (0, 0);
    let mut best = (descending[0].0, 0.0);
    for tie in descending.chunk_by(|(a, _), (b, _)| a == b) {
        let youden = true_alarms as f64 / all_true as f64 - false_alarms as f64 / all_false as f64;
        if youden > best.1 {
            best = (tie[0].0, youden);
        }
        true_alarms += positives(tie);
        false_alarms += tie.len() - positives(tie);
    }
    Some(best)
}

/// A statistic with an interval of confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The interval's lower end.
    pub low: f64,
    /// The statistic of the sample itself.
    pub estimate: f64,
    /// The interval's upper end.
    pub high: f64,
    /// Resamples in which the statistic was defined: the interval is over those.
    pub resamples: u32,
}

/// The percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
///
/// It resamples clusters, whole: give it one per seed, since tasks and probes of one seed are not independent. With
/// few clusters it is too narrow: for the mean of n about as sqrt((n - 1) / n), and more by the tails. For means over a few
/// seeds see [`student_interval`](super::student_interval).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// The confidence, more than 0 and below 1.
    pub level: f64,
    /// Samples of as many clusters, drawn with replacement.
    pub resamples: u32,
    /// Decides what is drawn; the same seed gives the same interval everywhere.
    pub seed: u32,
}

impl Default for Bootstrap {
    /// 95% from 2,000 resamples, seed 0.
    fn default() -> Self {
        Self {
            level: 0.95,
            resamples: 2_000,
            seed: 0,
        }
    }
}

impl Bootstrap {
    /// The interval of `statistic`, which may be undefined (`None`, or NaN) for some samples. `None` with fewer than two
    /// clusters, which show no spread, and where the statistic of all clusters is undefined, or that of every resample.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a level or a number of resamples outside its range.
    pub fn interval<T>(
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

pub(super) fn check_level(level: f64) -> Result<(), Error> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    let wanted = "more than 0, below 1";
    Err(Error::invalid("confidence level", wanted, level))
}

/// The mean of a_i - b_i with its interval, i being seeds: resampled in pairs. `None` with fewer than two.
///
/// # Errors
/// [`Error::Length`] for different lengths, [`Error::Invalid`] for a NaN among the values, and those of
/// [`Bootstrap::interval`].
pub fn paired_difference(
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

/// Between the two values around place p (n - 1), linearly. `ascending` is not empty.
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
    use crate::rng::unit_uniform;

    // ---- areas ----

    fn defined(scores: &[f64], labels: &[bool]) -> f64 {
        auroc(scores, labels).unwrap().unwrap()
    }

    fn uniform(seed: u32, a: u32, b: u32) -> f64 {
        unit_uniform(draw(seed, Stream::Labels, a, b)).into()
    }

    #[test]
    fn known_areas() {
        let (no, yes) = (false, true);
        // scikit-learn's example for roc_auc_score.
        assert_eq!(defined(&[0.1, 0.4, 0.35, 0.8], &[no, no, yes, yes]), 0.75);
        // scipy's example for mannwhitneyu: U = 17 of 5 * 4 pairs.
        let ages = [19.0, 22.0, 16.0, 29.0, 24.0, 20.0, 11.0, 17.0, 12.0];
        let male = [yes, yes, yes, yes, yes, no, no, no, no];
        assert_eq!(defined(&ages, &male), 0.85);
        assert_eq!(defined(&[1.0, 2.0, 3.0], &[no, yes, yes]), 1.0);
        assert_eq!(defined(&[1.0, 2.0, 3.0], &[yes, no, no]), 0.0);
        assert_eq!(defined(&[2.0, 2.0, 2.0], &[yes, no, no]), 0.5);
        // Ties count one half, -0 equals 0, infinities are scores: 0 has 1/2, 0 and 1, infinity 1, 1/2 and 1.
        let infinite = f64::INFINITY;
        let scores = [0.0, infinite, -0.0, infinite, -infinite];
        assert_eq!(defined(&scores, &[yes, yes, no, no, no]), 4.0 / 6.0);
    }

    #[test]
    fn area_is_the_share_of_pairs_in_order() {
        for seed in [1, 2, 3, 4, 5] {
            // Scores of a few values, so that many tie.
            let scores: Vec<_> = (0..60)
                .map(|i| (uniform(seed, 0, i) * 8.0).floor())
                .collect();
            let labels: Vec<_> = (0..60)
                .map(|i| uniform(seed, 1, i) * 8.0 < scores[i as usize])
                .collect();
            let (mut wins, mut pairs) = (0.0, 0.0);
            for i in 0..60 {
                for j in (0..60).filter(|j| labels[i] && !labels[*j]) {
                    pairs += 1.0;
                    wins += match scores[i].partial_cmp(&scores[j]).unwrap() {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            let found = defined(&scores, &labels);
            assert!((found - wins / pairs).abs() < 1e-14, "seed {seed}: {found}");
            assert!(found > 0.6, "seed {seed}: {found} shows nothing");
        }
    }

    #[test]
    fn areas_of_one_label_are_undefined_and_nan_is_refused() {
        assert_eq!(auroc(&[1.0, 2.0], &[true, true]).unwrap(), None);
        assert_eq!(auroc(&[1.0, 2.0], &[false, false]).unwrap(), None);
        assert_eq!(auroc(&[], &[]).unwrap(), None);
        let error = auroc(&[1.0, f64::NAN], &[true, false]).unwrap_err();
        assert_eq!(error.to_string(), "score: wanted a number, found NaN at 1");
        let error = auroc(&[1.0, 2.0], &[true]).unwrap_err();
        assert_eq!(error.to_string(), "labels: wanted 2 elements, found 1");
    }

    // ---- lead times ----

    fn run(scores: &[f64], accuracies: &[f64]) -> IndicatorRun {
        IndicatorRun::new(scores, accuracies, ACCURACY_DROP, 0.0).unwrap()
    }

    #[test]
    fn at_chance_nothing_can_drop() {
        // 0.14 - 0.05 is below chance, 0.16 - 0.05 is not.
        let run = IndicatorRun::new(&[1.0, 2.0, 3.0], &[0.16, 0.14, 0.05], 0.05, 0.1).unwrap();
        assert_eq!(run.pairs().collect::<Vec<_>>(), [(1.0, false)]);
        let free = IndicatorRun::new(&[1.0, 2.0, 3.0], &[0.16, 0.14, 0.05], 0.05, 0.0).unwrap();
        assert_eq!(
            free.pairs().collect::<Vec<_>>(),
            [(1.0, false), (2.0, true)]
        );
    }

    #[test]
    fn a_drop_is_more_than_the_threshold_below_the_task_before() {
        let accuracies = [0.875, 0.75, 0.75, 0.625, 0.875, 0.6];
        let run =
            IndicatorRun::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &accuracies, 0.125, 0.0).unwrap();
        let pairs: Vec<_> = run.pairs().collect();
        // Exactly 0.125 is not more.
        let expected = [
            (1.0, false),
            (2.0, false),
            (3.0, false),
            (4.0, false),
            (5.0, true),
        ];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn leads_by_hand() {
        // Drops at tasks 4 and 8 (from 0).
        let accuracies = [0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 0.2];
        for (scores, expected) in [
            // Alarms at 2 and 3, and at 7.
            ([0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 0.0, 9.0, 0.0], [2, 1]),
            // The gap at 2 ends the stretch; the alarm at 8 comes too late.
            ([9.0, 9.0, 0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0], [1, 0]),
            // A stretch over the drop at 4.
            ([9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.0], [4, 8]),
            ([0.0; 9], [0, 0]),
            // At the threshold is not above it.
            ([5.0; 9], [0, 0]),
        ] {
            assert_eq!(run(&scores, &accuracies).leads(5.0), expected, "{scores:?}");
        }
    }

    #[test]
    fn lead_time_by_hand() {
        // Drops at 3 and 5 of the first run, at 2 of the second.
        let runs = [
            run(
                &[1.0, 6.0, 7.0, 2.0, 8.0, 0.0],
                &[0.9, 0.9, 0.9, 0.7, 0.7, 0.5],
            ),
            run(&[3.0, 3.0, 9.0, 4.0], &[0.9, 0.9, 0.8, 0.8]),
        ];
        // Pairs: 1-, 6-, 7+, 2-, 8+ and 3-, 3+, 9-. Above 6: 7+, 8+, 9-: J = 2/3 - 1/5; above 2: three of three less
        // 3-, 6-, 9- of five: 1 - 3/5 is less. Leads 1 (6 is not above 6), 1 and 0.
        let found = lead_time(&[&runs[0], &runs[1]]).unwrap();
        assert_eq!(found.threshold, 6.0);
        assert!((found.youden - (2.0 / 3.0 - 0.2)).abs() < 1e-15);
        assert_eq!((found.drops, found.warned, found.median), (3, 2, 1.0));
    }

    #[test]
    fn an_indicator_that_tells_nothing_gives_no_alarm() {
        let accuracies = [0.9, 0.9, 0.5, 0.5];
        // The higher the score the safer the next task: no threshold is better than none.
        let found = lead_time(&[&run(&[2.0, 1.0, 2.0, 2.0], &accuracies)]).unwrap();
        assert_eq!((found.threshold, found.youden), (2.0, 0.0));
        assert_eq!((found.drops, found.warned, found.median), (1, 0, 0.0));
        assert_eq!(lead_time(&[&run(&[1.0, 2.0, 3.0], &[0.9; 3])]), None);
        assert_eq!(lead_time(&[]), None);
    }

    #[test]
    fn the_threshold_is_the_best_of_all() {
        for seed in [1, 2, 3, 4, 5] {
            let scores: Vec<_> = (0..40)
                .map(|i| (uniform(seed, 0, i) * 12.0).floor())
                .collect();
            let labels: Vec<_> = (0..40)
                .map(|i| uniform(seed, 1, i) * 12.0 < scores[i as usize])
                .collect();
            let youden = |threshold: f64| {
                let rate = |wanted: bool| {
                    let of = || {
                        scores
                            .iter()
                            .zip(&labels)
                            .filter(|(_, label)| **label == wanted)
                    };
                    of().filter(|(score, _)| **score > threshold).count() as f64
                        / of().count() as f64
                };
                rate(true) - rate(false)
            };
            let pairs = scores.iter().copied().zip(labels.iter().copied());
            let (threshold, found) = youden_threshold(pairs).unwrap();
            assert!((youden(threshold) - found).abs() < 1e-15, "seed {seed}");
            for quarter in -4..52 {
                let other = youden(f64::from(quarter) / 4.0);
                assert!(other <= found + 1e-15, "seed {seed}: {other} beats {found}");
            }
        }
    }

    #[test]
    fn runs_that_cannot_be_are_refused() {
        for (scores, accuracies, message) in [
            (
                [1.0, f64::NAN],
                &[0.5, 0.5][..],
                "score: wanted a number, found NaN at 1",
            ),
            (
                [1.0, 1.0],
                &[f64::NAN, 0.5],
                "online accuracy: wanted a number, found NaN at 0",
            ),
            (
                [1.0, 1.0],
                &[0.5],
                "online accuracies: wanted 2 elements, found 1",
            ),
        ] {
            let error = IndicatorRun::new(&scores, accuracies, 0.05, 0.0).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
        assert!(IndicatorRun::new(&[], &[], f64::NAN, 0.0).is_err());
        assert_eq!(run(&[], &[]).pairs().count(), 0);
    }

    // ---- intervals ----

    #[test]
    fn quantiles_by_hand() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (p, expected) in [(0.0, 1.0), (0.5, 4.0), (0.625, 6.0), (1.0, 16.0)] {
            assert_eq!(quantile(&values, p), expected);
        }
        assert_eq!(quantile(&[3.0], 0.3), 3.0);
        assert_eq!(quantile(&[f64::INFINITY; 2], 0.5), f64::INFINITY);
    }

    /// How often the interval of the mean covers the mean of a uniform distribution, one half, over 400 experiments of
    /// 30 clusters. In a cluster all ten values are the same; `whole` says whether the bootstrap knows.
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
        // Values taken one by one seem ten times as many as they are.
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
        // The mean's standard error: 1 / sqrt(12 * 400); 1.96 and 1.645 of them.
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
    fn a_statistic_may_be_undefined_for_some_resamples() {
        // One of three clusters has the drops: (2/3)^3 of the resamples leave it out.
        let still = run(&[1.0, 2.0, 1.0], &[0.9; 3]);
        let falling = run(&[1.0, 2.0, 1.0], &[0.9, 0.9, 0.5]);
        let runs = [still.clone(), falling, still.clone()];
        let interval = Bootstrap::default()
            .interval(&runs, pooled_auroc)
            .unwrap()
            .unwrap();
        // The drop has score 2, the others 1, 1, 2, 1, 2: three wins and two ties of five.
        assert_eq!(interval.estimate, 0.8);
        let defined = f64::from(interval.resamples) / 2_000.0;
        assert!((defined - 19.0 / 27.0).abs() < 0.04, "{defined}");
        let never = Bootstrap::default().interval(&[still.clone(), still], pooled_auroc);
        assert_eq!(never.unwrap(), None);
        let nan = Bootstrap::default().interval(&[1.0, 2.0], |_| Some(f64::NAN));
        assert_eq!(nan.unwrap(), None);
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
        // Seeds differ by up to 1, a and b of one seed by 0.1 to 0.11.
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
