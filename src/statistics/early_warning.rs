//! Early warning: whether an indicator warns that accuracy drops at the next task, and how many tasks ahead.

use super::roc::{area, youden_threshold};
use super::{check_numbers, quantile};
use crate::error::Error;

/// The loss of online accuracy from one task to the next above which it counts as a drop.
pub(crate) const ACCURACY_DROP: f64 = 0.05;

/// The scores of an indicator over one run, with the drops in the run's accuracy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndicatorRun {
    scores: Vec<f64>,
    /// Whether accuracy drops at the next task; `None` where it cannot drop.
    drops: Vec<Option<bool>>,
}

impl IndicatorRun {
    /// Creates a run whose `scores` and `online_accuracies` have one entry per task. Accuracy drops at task k if it is more
    /// than `drop` below that of task k - 1. It cannot drop where the accuracy of task k - 1 less `drop` is below `floor`,
    /// which is chance; such a pair of tasks is left out.
    ///
    /// # Errors
    /// Returns [`Error::Length`] for different lengths, and [`Error::Invalid`] for a NaN among them.
    pub(crate) fn new(
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

    /// Returns the score of each task but the last, with whether accuracy drops at the next task. Pairs where it cannot drop
    /// are left out.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f64, bool)> {
        let pairs = self.scores.iter().zip(&self.drops);
        pairs.filter_map(|(score, drops)| Some((*score, (*drops)?)))
    }

    /// Returns, for each drop at a task k, how many of the tasks k - 1, k - 2, ... have an alarm, without a gap.
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

/// Returns how well a task's score tells whether accuracy drops at the next task: the area under the ROC curve of the pairs
/// of all runs together. One half is chance. Returns `None` where accuracy always drops, or never.
pub(crate) fn pooled_auroc(runs: &[&IndicatorRun]) -> Option<f64> {
    area(runs.iter().flat_map(|run| run.pairs()))
}

/// The time by which an indicator's alarm comes before a drop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LeadTime {
    /// The threshold. A task has an alarm if its score is above it.
    pub(crate) threshold: f64,
    /// Youden's J at the threshold: the true positive rate less the false positive rate.
    pub(crate) youden: f64,
    /// The number of drops over all runs.
    pub(crate) drops: usize,
    /// The number of drops with an alarm at the task before.
    pub(crate) warned: usize,
    /// The number of alarms over all runs that no drop followed.
    pub(crate) false_alarms: usize,
    /// The median lead over all drops, in tasks.
    pub(crate) median: f64,
}

/// Returns the lead time of an indicator over `runs`; `None` where accuracy always drops, or never.
///
/// A task has an alarm if its score is above the threshold. The lead of a drop at task k is k - j, where j is the first task
/// of the uninterrupted stretch of alarms that ends at task k - 1. The lead is 0 where task k - 1 has no alarm. The score of
/// task k itself comes too late to count. A stretch may span an earlier drop.
///
/// All runs share one threshold, the score with the largest Youden's J over [`IndicatorRun::pairs`]. Of equal ones it is the
/// highest, which gives the fewest alarms. The threshold is chosen with knowledge of the drops. J can therefore be used to
/// compare indicators, and the threshold can be applied to other seeds, but J does not predict the result there.
pub(crate) fn lead_time(runs: &[&IndicatorRun]) -> Option<LeadTime> {
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

#[cfg(test)]
mod tests {
    use super::super::Bootstrap;
    use super::*;

    fn run(scores: &[f64], accuracies: &[f64]) -> IndicatorRun {
        IndicatorRun::new(scores, accuracies, ACCURACY_DROP, 0.0).unwrap()
    }

    #[test]
    fn at_chance_nothing_can_drop() {
        // The threshold 0.14 - 0.05 is below chance; 0.16 - 0.05 is not.
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
        // A fall of exactly 0.125 is not a drop.
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
        // Accuracy drops at tasks 4 and 8 (from 0).
        let accuracies = [0.9, 0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 0.2];
        for (scores, expected) in [
            // Alarms are at tasks 2 and 3, and at task 7.
            ([0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 0.0, 9.0, 0.0], [2, 1]),
            // The gap at task 2 ends the stretch. The alarm at task 8 comes too late.
            ([9.0, 9.0, 0.0, 9.0, 0.0, 9.0, 9.0, 0.0, 9.0], [1, 0]),
            // The stretch spans the drop at task 4.
            ([9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.0], [4, 8]),
            ([0.0; 9], [0, 0]),
            // A score at the threshold is not above it.
            ([5.0; 9], [0, 0]),
        ] {
            assert_eq!(run(&scores, &accuracies).leads(5.0), expected, "{scores:?}");
        }
    }

    #[test]
    fn lead_time_by_hand() {
        // Accuracy drops at tasks 3 and 5 of the first run, and at task 2 of the second.
        let runs = [
            run(
                &[1.0, 6.0, 7.0, 2.0, 8.0, 0.0],
                &[0.9, 0.9, 0.9, 0.7, 0.7, 0.5],
            ),
            run(&[3.0, 3.0, 9.0, 4.0], &[0.9, 0.9, 0.8, 0.8]),
        ];
        // The pairs are 1-, 6-, 7+, 2-, 8+ and 3-, 3+, 9-. Above 6 are 7+, 8+, 9-, so J = 2/3 - 1/5. Above 2 are all three
        // drops and 3-, 6-, 9- of the other five, so J = 1 - 3/5, which is less. The leads are 1 (6 is not above 6), 1 and
        // 0.
        let found = lead_time(&[&runs[0], &runs[1]]).unwrap();
        assert_eq!(found.threshold, 6.0);
        assert!((found.youden - (2.0 / 3.0 - 0.2)).abs() < 1e-15);
        assert_eq!((found.drops, found.warned, found.median), (3, 2, 1.0));
    }

    #[test]
    fn an_indicator_that_tells_nothing_gives_no_alarm() {
        let accuracies = [0.9, 0.9, 0.5, 0.5];
        // A higher score means a safer next task, so no threshold is better than none.
        let found = lead_time(&[&run(&[2.0, 1.0, 2.0, 2.0], &accuracies)]).unwrap();
        assert_eq!((found.threshold, found.youden), (2.0, 0.0));
        assert_eq!((found.drops, found.warned, found.median), (1, 0, 0.0));
        assert_eq!(lead_time(&[&run(&[1.0, 2.0, 3.0], &[0.9; 3])]), None);
        assert_eq!(lead_time(&[]), None);
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

    #[test]
    fn a_statistic_may_be_undefined_for_some_resamples() {
        // One of three clusters has the drops, and a share of (2/3)^3 of the resamples leaves it out.
        let still = run(&[1.0, 2.0, 1.0], &[0.9; 3]);
        let falling = run(&[1.0, 2.0, 1.0], &[0.9, 0.9, 0.5]);
        let runs = [still.clone(), falling, still.clone()];
        let interval = Bootstrap::default()
            .interval(&runs, pooled_auroc)
            .unwrap()
            .unwrap();
        // The drop has score 2 and the others have 1, 1, 2, 1, 2: three wins and two ties of five.
        assert_eq!(interval.estimate, 0.8);
        let defined = f64::from(interval.resamples) / 2_000.0;
        assert!((defined - 19.0 / 27.0).abs() < 0.04, "{defined}");
        let never = Bootstrap::default().interval(&[still.clone(), still], pooled_auroc);
        assert_eq!(never.unwrap(), None);
        let nan = Bootstrap::default().interval(&[1.0, 2.0], |_| Some(f64::NAN));
        assert_eq!(nan.unwrap(), None);
    }
}
