//! Curves over the seeds of an arm, computed from rows.

use std::collections::BTreeMap;

use super::rows::last_updates;
use crate::record::{ProbeRow, TaskRow};
use crate::statistics::mean;

/// A curve with a band.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The curve's name in the legend.
    pub name: String,
    /// The points, in the order in which they are joined.
    pub points: Vec<BandPoint>,
}

/// A point of a curve with a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandPoint {
    /// The position on the horizontal axis.
    pub x: f64,
    /// The band's lower edge.
    pub low: f64,
    /// The value of the curve.
    pub mean: f64,
    /// The band's upper edge.
    pub high: f64,
}

/// Returns the curves of online accuracy against task, one per arm, in order of first appearance. A curve is the mean over
/// seeds, with a band from the lowest seed to the highest.
///
/// A point is over the seeds that have a row for its task. After a replica is halted, the curve continues with the others.
/// One NaN among the seeds makes all values of the point NaN, so that no chart hides it.
pub fn online_accuracy_series(rows: &[TaskRow]) -> Vec<Series> {
    accuracies_by_arm(rows)
        .into_iter()
        .map(|(arm, tasks)| Series {
            name: arm.to_owned(),
            points: tasks
                .iter()
                .map(|(&task, seeds)| band_point(task, seeds))
                .collect(),
        })
        .collect()
}

/// Returns the seeds' online accuracies of each task of each arm.
fn accuracies_by_arm(rows: &[TaskRow]) -> Vec<(&str, BTreeMap<u32, Vec<f64>>)> {
    let mut arms: Vec<(&str, BTreeMap<u32, Vec<f64>>)> = Vec::new();
    for row in rows {
        let known = arms.iter().position(|(arm, _)| *arm == row.arm);
        let index = known.unwrap_or_else(|| {
            arms.push((&row.arm, BTreeMap::new()));
            arms.len() - 1
        });
        let seeds = arms[index].1.entry(row.task).or_default();
        seeds.push(row.online_accuracy);
    }
    arms
}

/// Returns the mean over `seeds` at `x`, with the lowest and the highest. One NaN makes all of them NaN.
pub(super) fn band_point(x: u32, seeds: &[f64]) -> BandPoint {
    BandPoint {
        x: f64::from(x),
        low: extreme(seeds, f64::min),
        mean: mean(seeds),
        high: extreme(seeds, f64::max),
    }
}

/// Folds all values with `pick`. The result is NaN if one of them is, because [`f64::min`] and [`f64::max`] would ignore it.
fn extreme(values: &[f64], pick: fn(f64, f64) -> f64) -> f64 {
    let pick_or_nan = |a: f64, b: f64| {
        if a.is_nan() || b.is_nan() {
            f64::NAN
        } else {
            pick(a, b)
        }
    };
    values
        .iter()
        .copied()
        .reduce(pick_or_nan)
        .unwrap_or(f64::NAN)
}

/// A curve over the seeds of an arm, cut into parts.
pub(super) struct SeedCurve {
    /// The parts of the curve, which is cut where a value is missing.
    pub(super) runs: Vec<Vec<BandPoint>>,
    /// The number of missing values of single replicas.
    pub(super) missing: usize,
}

impl SeedCurve {
    /// Creates the curve with a point at each position of `samples`, which holds the values of the seeds that have one
    /// there. A seed leaves a gap where it has no value and its `last` position is there or later. If another seed's value
    /// at this position is not finite, there is no gap: the point is kept, and drawing refuses it.
    pub(super) fn new(
        samples: &BTreeMap<u32, Vec<f64>>,
        last: &BTreeMap<u32, u32>,
        point: fn(u32, &[f64]) -> BandPoint,
    ) -> Self {
        let (mut runs, mut missing) = (vec![Vec::new()], 0);
        for (&place, values) in samples {
            let seeds = last.values().filter(|last| **last >= place).count();
            let is_whole = values.len() >= seeds;
            if !is_whole && values.iter().all(|value| value.is_finite()) {
                missing += seeds - values.len();
                runs.push(Vec::new());
            } else if let Some(run) = runs.last_mut() {
                run.push(point(place, values));
            }
        }
        runs.retain(|run| !run.is_empty());
        Self { runs, missing }
    }
}

/// Returns the curve of `value` against the update in one `layer` of one `arm`: the mean over the seeds, with a band from
/// the lowest to the highest.
///
/// A value is missing where a replica that is still probed there or later has no value or no row. It leaves a gap, whatever
/// the other seeds have. After a replica's last probe the curve continues with the others. The rows must have passed
/// [`check_distinct`](super::rows::check_distinct).
pub(super) fn mean_curve(
    rows: &[ProbeRow],
    arm: &str,
    layer: &str,
    value: fn(&ProbeRow) -> Option<f64>,
) -> SeedCurve {
    probe_curve(rows, arm, layer, value, band_point)
}

/// Returns the curve of [`mean_curve`] with the median over the seeds in place of the mean, and without a band.
pub(super) fn median_curve(
    rows: &[ProbeRow],
    arm: &str,
    layer: &str,
    value: fn(&ProbeRow) -> Option<f64>,
) -> SeedCurve {
    probe_curve(rows, arm, layer, value, median_point)
}

fn probe_curve(
    rows: &[ProbeRow],
    arm: &str,
    layer: &str,
    value: fn(&ProbeRow) -> Option<f64>,
    point: fn(u32, &[f64]) -> BandPoint,
) -> SeedCurve {
    let mut probes: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    let of_arm = || rows.iter().filter(|row| row.arm == arm);
    // A layer that the arm's network does not have misses no value.
    let has_layer = of_arm().any(|row| row.layer == layer);
    for row in of_arm().filter(|_| has_layer) {
        let values = probes.entry(row.update).or_default();
        values.extend(value(row).filter(|_| row.layer == layer));
    }
    SeedCurve::new(&probes, &last_updates(rows, arm), point)
}

/// Returns the median over `seeds` at `x`, which is the mean of the two middle values for an even number. A value that is
/// not finite replaces it.
fn median_point(x: u32, seeds: &[f64]) -> BandPoint {
    let mut sorted = seeds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let not_finite = seeds.iter().find(|value| !value.is_finite());
    let median = not_finite.copied().unwrap_or_else(|| {
        let below = seeds.len().saturating_sub(1) / 2;
        f64::midpoint(middle(below), middle(seeds.len() / 2))
    });
    BandPoint {
        x: f64::from(x),
        low: median,
        mean: median,
        high: median,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NETWORK;
    use crate::record::fixtures::{probe_row, task_row};

    #[test]
    fn a_series_is_the_mean_of_its_seeds_between_the_lowest_and_the_highest() {
        let rows = [
            task_row("relu", 1, 2, 0.25),
            task_row("relu", 1, 1, 1.0),
            task_row("crelu", 1, 1, 0.5),
            task_row("relu", 2, 1, 0.5),
            task_row("relu", 3, 1, 0.75),
            task_row("relu", 2, 2, 0.75),
        ];
        let point = |x, low, mean, high| BandPoint { x, low, mean, high };
        let series = [
            Series {
                name: "relu".to_owned(),
                points: vec![point(1.0, 0.5, 0.75, 1.0), point(2.0, 0.25, 0.5, 0.75)],
            },
            Series {
                name: "crelu".to_owned(),
                points: vec![point(1.0, 0.5, 0.5, 0.5)],
            },
        ];
        assert_eq!(online_accuracy_series(&rows), series);
        assert!(online_accuracy_series(&[]).is_empty());
    }

    #[test]
    fn one_nan_among_the_seeds_is_not_passed_over() {
        for order in [[f64::NAN, 0.5], [0.5, f64::NAN]] {
            let rows = [
                task_row("relu", 1, 1, order[0]),
                task_row("relu", 2, 1, order[1]),
            ];
            let point = online_accuracy_series(&rows)[0].points[0];
            assert!(
                point.low.is_nan() && point.mean.is_nan() && point.high.is_nan(),
                "{point:?}"
            );
        }
    }

    fn sharp(seed: u32, update: u32, sharpness: Option<f64>) -> ProbeRow {
        ProbeRow {
            sharpness,
            ..probe_row("relu", seed, update, "1")
        }
    }

    fn curve(rows: &[ProbeRow]) -> SeedCurve {
        mean_curve(rows, "relu", "1", |row| row.sharpness)
    }

    #[test]
    fn a_curve_is_the_mean_of_its_seeds_between_the_lowest_and_the_highest() {
        let rows = [
            sharp(2, 200, Some(-3.0)),
            sharp(1, 200, Some(5.0)),
            sharp(1, 100, Some(2.0)),
            sharp(2, 100, Some(2.0)),
            probe_row("other arm", 1, 100, "1"),
            probe_row("relu", 1, 100, NETWORK),
        ];
        let curve = curve(&rows);
        let point = |x, low, mean, high| BandPoint { x, low, mean, high };
        let points = [point(100.0, 2.0, 2.0, 2.0), point(200.0, -3.0, 1.0, 5.0)];
        assert_eq!(curve.runs, [points]);
        assert_eq!(curve.missing, 0);
    }

    #[test]
    fn a_median_is_the_middle_value_or_between_the_two_in_the_middle() {
        let median = |seeds: &[f64]| median_point(100, seeds);
        let point = |median| BandPoint {
            x: 100.0,
            low: median,
            mean: median,
            high: median,
        };
        assert_eq!(median(&[7.0]), point(7.0));
        assert_eq!(median(&[9.0, 1.0, 2.0]), point(2.0));
        assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), point(3.0));
        for order in [[f64::NAN, 1.0, 2.0], [1.0, 2.0, -f64::NAN]] {
            assert!(median(&order).mean.is_nan());
        }
        assert_eq!(median(&[1.0, f64::INFINITY, 2.0]), point(f64::INFINITY));
    }

    #[test]
    fn a_missing_value_and_a_missing_row_cut_the_curve() {
        for without_row in [false, true] {
            let mut rows: Vec<_> = (1..=2)
                .flat_map(|seed| (1..=4).map(move |k| sharp(seed, 100 * k, Some(1.0))))
                .collect();
            if without_row {
                rows.remove(5);
            } else {
                rows[5].sharpness = None;
            }
            let curve = curve(&rows);
            let places: Vec<Vec<_>> = curve
                .runs
                .iter()
                .map(|run| run.iter().map(|point| point.x).collect())
                .collect();
            assert_eq!(places, [vec![100.0], vec![300.0, 400.0]]);
            assert_eq!(curve.missing, 1);
        }
    }

    #[test]
    fn a_layer_that_an_arm_does_not_have_misses_nothing() {
        let rows = [sharp(1, 100, Some(1.0)), sharp(1, 200, None)];
        let curve = |layer| mean_curve(&rows, "relu", layer, |row| row.sharpness);
        assert_eq!(curve(&rows[0].layer).missing, 1);
        assert_eq!((curve("9").missing, curve("9").runs), (0, Vec::new()));
    }

    #[test]
    fn after_a_seeds_last_probe_the_others_go_on_alone() {
        let rows = [
            sharp(1, 100, Some(1.0)),
            sharp(2, 100, Some(3.0)),
            sharp(1, 200, Some(1.0)),
        ];
        let curve = curve(&rows);
        let means: Vec<_> = curve.runs[0].iter().map(|point| point.mean).collect();
        assert_eq!(means, [2.0, 1.0]);
        assert_eq!(curve.missing, 0);
        assert_eq!(
            last_updates(&rows, "relu"),
            BTreeMap::from([(1, 200), (2, 100)])
        );
    }

    #[test]
    fn a_nan_is_no_missing_value() {
        let curve = curve(&[sharp(1, 100, Some(f64::NAN)), sharp(2, 100, Some(1.0))]);
        assert!(curve.runs[0][0].mean.is_nan());
        assert_eq!(curve.missing, 0);
    }

    #[test]
    fn a_gap_does_not_hide_a_nan() {
        for bad in [f64::NAN, f64::INFINITY] {
            let rows = [sharp(1, 100, None), sharp(2, 100, Some(bad))];
            assert!(!curve(&rows).runs[0][0].mean.is_finite());
        }
    }
}
