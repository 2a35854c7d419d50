//! Early warning: does an indicator warn that accuracy drops at the next task, and how many tasks ahead?

use super::roc::{area, youden_threshold};
use super::{check_numbers, quantile};
use crate::error::Error;

/// The fall of online accuracy from one task to the next that counts as a drop when more is lost.
pub(crate) const ACCURACY_DROP: f64 = 0.05;

/// The scores of an indicator along one run, with the drops of its accuracy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IndicatorRun {
    scores: Vec<f64>,
    /// Whether accuracy drops at the next task; `None` where it cannot.
    drops: Vec<Option<bool>>,
}

impl IndicatorRun {
    /// A run whose `scores` and `online_accuracies` have one entry per task. At task k accuracy drops if it is more than `drop`
    /// below that of task k - 1. Where that would be below `floor`, which is chance, accuracy cannot drop: such a pair
    /// of tasks is left out.
    ///
    /// # Errors
    /// [`Error::Length`] for different lengths, [`Error::Invalid`] for a NaN among them.
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

    /// The score of each task but the last, with whether accuracy drops at the next task, where it can.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (f64, bool)> {
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

/// How well a task's score tells whether accuracy drops at the next task: the area under the
/// ROC curve of the pairs of all runs together, one half for chance. `None` where accuracy always drops, or never.
pub(crate) fn pooled_auroc(runs: &[&IndicatorRun]) -> Option<f64> {
    area(runs.iter().flat_map(|run| run.pairs()))
}

/// How long before a drop an indicator gives the alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LeadTime {
    /// A task has an alarm if its score is above this.
    pub(crate) threshold: f64,
    /// True positive rate less false positive rate at the threshold (Youden's J).
    pub(crate) youden: f64,
    /// Drops, over all runs.
    pub(crate) drops: usize,
    /// Drops with an alarm at the task before.
    pub(crate) warned: usize,
    /// Alarms that no drop followed, over all runs.
    pub(crate) false_alarms: usize,
    /// The median lead over all drops, in tasks.
    pub(crate) median: f64,
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
}
