//! The ROC curve of scores with labels: the area under it, and the threshold with the largest Youden's J.

/// Computes the area under the ROC curve of `(score, label)` pairs without a NaN. It is the probability that a score with
/// label true is above one with label false, where a tie counts one half. Returns `None` where one label does not occur.
///
/// The area is (R - p (p + 1) / 2) / (p n), the Mann-Whitney statistic U over the number of pairs. R is the sum of the ranks
/// (from 1, the mean rank in a tie) of the p scores with label true, and n scores have label false.
pub(super) fn area(pairs: impl Iterator<Item = (f64, bool)>) -> Option<f64> {
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

/// Returns the threshold with the largest Youden's J, and J. J is the true positive rate less the false positive rate of the
/// rule "score above threshold". Thresholds are scores; of equal ones the highest is taken. Returns `None` where one label
/// does not occur.
pub(super) fn youden_threshold(pairs: impl Iterator<Item = (f64, bool)>) -> Option<(f64, f64)> {
    let mut descending: Vec<_> = pairs.collect();
    descending.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let all_true = positives(&descending);
    let all_false = descending.len() - all_true;
    if all_true == 0 || all_false == 0 {
        return None;
    }
    // No score is above the highest threshold, so J = 0 there.
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

#[cfg(test)]
mod tests {
    use super::super::tests::uniform;
    use super::*;

    fn defined(scores: &[f64], labels: &[bool]) -> f64 {
        assert_eq!(scores.len(), labels.len());
        area(scores.iter().copied().zip(labels.iter().copied())).unwrap()
    }

    #[test]
    fn known_areas() {
        let (no, yes) = (false, true);
        // The example of scikit-learn's roc_auc_score.
        assert_eq!(defined(&[0.1, 0.4, 0.35, 0.8], &[no, no, yes, yes]), 0.75);
        // The example of scipy's mannwhitneyu: U = 17 of 5 * 4 pairs.
        let ages = [19.0, 22.0, 16.0, 29.0, 24.0, 20.0, 11.0, 17.0, 12.0];
        let male = [yes, yes, yes, yes, yes, no, no, no, no];
        assert_eq!(defined(&ages, &male), 0.85);
        assert_eq!(defined(&[1.0, 2.0, 3.0], &[no, yes, yes]), 1.0);
        assert_eq!(defined(&[1.0, 2.0, 3.0], &[yes, no, no]), 0.0);
        assert_eq!(defined(&[2.0, 2.0, 2.0], &[yes, no, no]), 0.5);
        // Ties count one half, -0 equals 0, and infinities are scores. Score 0 wins 1/2, 0 and 1; infinity wins 1, 1/2 and
        // 1.
        let infinite = f64::INFINITY;
        let scores = [0.0, infinite, -0.0, infinite, -infinite];
        assert_eq!(defined(&scores, &[yes, yes, no, no, no]), 4.0 / 6.0);
    }

    #[test]
    fn area_is_the_share_of_pairs_in_order() {
        for seed in [1, 2, 3, 4, 5] {
            // Scores take only a few values, so that many tie.
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
    fn the_area_of_one_label_is_undefined() {
        for labels in [[true; 2], [false; 2]] {
            assert_eq!(area([1.0, 2.0].into_iter().zip(labels)), None);
        }
        assert_eq!(area([].into_iter()), None);
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
}
