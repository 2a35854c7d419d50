//! Probes as rows, and what is made of them: `probes.csv`, curves over the seeds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::tables::band_point;
use super::{BandPoint, ReportError, write_csv};
use crate::probe::{LayerStats, ProbeStats};
use crate::scheduler::{Action, Bounds, Decision, Signal};

/// What [`ProbeRow::layer`] says of all layers together.
pub(crate) const NETWORK: &str = "network";

/// One layer (or all of the network) at one probe of one replica: a row of probes.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task of the probed minibatch, from 1, as people count.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// The layer, from 1, or `network`.
    pub layer: String,
    /// Mean cross-entropy of the probed minibatch; the same for all layers.
    pub loss: f64,
    /// Share of the minibatch classified rightly; the same for all layers.
    pub accuracy: f64,
    /// The layer's step size; for the network its mean over parameters.
    pub step_size: f64,
    /// [`LayerStats::effective_step`].
    pub effective_step: Option<f64>,
    /// The eigenvalue of [`LayerStats::sharpness`].
    pub sharpness: Option<f64>,
    /// Its relative residual.
    pub residual: Option<f64>,
    /// Hessian-vector products used; 0 where there is no sharpness.
    pub iterations: u32,
    /// Whether the residual is as small as was asked; false where there is no sharpness.
    pub converged: bool,
    /// Sharpness times a step size, as the arm's scheduler normalises it.
    pub sharpness_normalised: Option<f64>,
    /// Its mean over the scheduler's window.
    pub sharpness_mean: Option<f64>,
    /// Its variance, as the arm's scheduler estimates it.
    pub sharpness_variance: Option<f64>,
    /// Variance over mean.
    pub volatility: Option<f64>,
    /// [`LayerStats::grad_norm_sq`].
    pub grad_norm_sq: f64,
    /// [`LayerStats::objective_grad_norm_sq`].
    pub objective_grad_norm_sq: f64,
    /// [`LayerStats::grad_variance`].
    pub grad_variance: f64,
    /// [`LayerStats::second_moment`].
    pub second_moment: f64,
    /// Gradient-noise bound on the effective step; this and the next three are none where they are infinite.
    pub bound_noise: Option<f64>,
    /// Curvature-volatility bound on the effective step.
    pub bound_volatility: Option<f64>,
    /// The two combined.
    pub bound_combined: Option<f64>,
    /// Curvature volatility in its Lyapunov form.
    pub bound_tau: Option<f64>,
    /// Whether the effective step is above the combined bound; none where there is no bound.
    pub violation: Option<bool>,
    /// What the scheduler did; none for the network, which has no step size of its own.
    pub action: Option<Action>,
    /// The layer's step size from here on; none for the network.
    pub next_step_size: Option<f64>,
    /// [`LayerStats::weight_norm`].
    pub weight_norm: f64,
    /// [`LayerStats::update_norm`].
    pub update_norm: f64,
}

pub(super) const HEADER: [&str; 30] = [
    "arm",
    "seed",
    "task",
    "update",
    "layer",
    "loss",
    "accuracy",
    "step_size",
    "effective_step",
    "sharpness",
    "residual",
    "iterations",
    "converged",
    "sharpness_normalised",
    "sharpness_mean",
    "sharpness_variance",
    "volatility",
    "grad_norm_sq",
    "objective_grad_norm_sq",
    "grad_variance",
    "second_moment",
    "bound_noise",
    "bound_volatility",
    "bound_combined",
    "bound_tau",
    "violation",
    "action",
    "next_step_size",
    "weight_norm",
    "update_norm",
];

/// The rows of one replica's probe and of what its scheduler decided: one per layer, then the network's.
pub fn probe_rows(arm: &str, seed: u32, probe: &ProbeStats, decision: &Decision) -> Vec<ProbeRow> {
    let layers = probe.layers.iter().zip(&decision.layers).zip(1..);
    let layers = layers.map(|((stats, decided), layer): (_, u32)| ProbeRow {
        action: Some(decided.action),
        next_step_size: Some(decided.step_size),
        ..probe_row(arm, seed, probe, layer.to_string(), stats, &decided.bounds)
    });
    let network = NETWORK.to_owned();
    let network = probe_row(arm, seed, probe, network, &probe.network, &decision.network);
    layers.chain([network]).collect()
}

fn probe_row(
    arm: &str,
    seed: u32,
    probe: &ProbeStats,
    layer: String,
    stats: &LayerStats,
    bounds: &Option<Bounds>,
) -> ProbeRow {
    let sharpness = stats.sharpness;
    let bounds = bounds.as_ref();
    let of_bounds = |value: fn(&Bounds) -> f64| bounds.map(value).filter(|value| value.is_finite());
    ProbeRow {
        arm: arm.to_owned(),
        seed,
        task: probe.task + 1,
        update: probe.update,
        layer,
        loss: probe.loss,
        accuracy: probe.accuracy,
        step_size: stats.step_size,
        effective_step: stats.effective_step,
        sharpness: sharpness.map(|sharpness| sharpness.eigenvalue),
        residual: sharpness.map(|sharpness| sharpness.residual),
        iterations: sharpness.map_or(0, |sharpness| sharpness.iterations),
        converged: sharpness.is_some_and(|sharpness| sharpness.converged),
        sharpness_normalised: of_bounds(|bounds| bounds.normalised_sharpness),
        sharpness_mean: of_bounds(|bounds| bounds.mean),
        sharpness_variance: of_bounds(|bounds| bounds.variance),
        volatility: of_bounds(|bounds| bounds.volatility),
        grad_norm_sq: stats.grad_norm_sq,
        objective_grad_norm_sq: stats.objective_grad_norm_sq,
        grad_variance: stats.grad_variance,
        second_moment: stats.second_moment,
        bound_noise: of_bounds(|bounds| bounds.noise),
        bound_volatility: of_bounds(|bounds| bounds.curvature),
        bound_combined: of_bounds(|bounds| bounds.combined),
        bound_tau: of_bounds(|bounds| bounds.tau),
        violation: bounds.map(|bounds| bounds.exceeded(Signal::Combined)),
        action: None,
        next_step_size: None,
        weight_norm: stats.weight_norm,
        update_norm: stats.update_norm,
    }
}

impl ProbeRow {
    /// Whether it is of all layers together.
    pub fn is_network(&self) -> bool {
        self.layer == NETWORK
    }
}

/// Writes `rows` to `path`, in their order, under a header of the fields' names.
///
/// A cell is empty where there is no value. Numbers read back exactly. What is not finite is written as `NaN`, `inf` or
/// `-inf`, which [`str::parse`] reads too. The file is whole or absent: see the module.
///
/// # Errors
/// [`ReportError::Write`] when the file system refuses.
pub fn write_probes_csv(path: &Path, rows: &[ProbeRow]) -> Result<(), ReportError> {
    write_csv(path, &HEADER, rows)
}

/// A quantity of an arm's seeds.
pub(super) struct SeedCurve {
    /// Its points, cut where a value is missing.
    pub(super) runs: Vec<Vec<BandPoint>>,
    /// Missing values of single replicas.
    pub(super) missing: usize,
}

impl SeedCurve {
    /// A point for each place of `samples`, which holds the values of the seeds that have one there. Values are missing
    /// of the seeds that have none though their `last` place is there or later; the place is a gap then, unless one of
    /// the others is not finite: that is to be refused, not hidden.
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

/// The curve of `value` against the update in one `layer` of one `arm`: the mean over the seeds, with a band from the
/// lowest to the highest.
///
/// A value is missing where there is none, or no row, of a replica that is still probed there or later. It leaves a
/// gap, whatever the other seeds have. After a replica's last probe the others go on alone. Wants rows that passed
/// [`check_distinct`].
pub(super) fn mean_curve(
    rows: &[ProbeRow],
    arm: &str,
    layer: &str,
    value: fn(&ProbeRow) -> Option<f64>,
) -> SeedCurve {
    probe_curve(rows, arm, layer, value, band_point)
}

/// As [`mean_curve`], but the median over the seeds, without a band.
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
    for row in rows.iter().filter(|row| row.arm == arm) {
        let values = probes.entry(row.update).or_default();
        values.extend(value(row).filter(|_| row.layer == layer));
    }
    SeedCurve::new(&probes, &last_updates(rows, arm), point)
}

/// The median over `seeds` at `x`, or the mean of the two in the middle; what is not finite stands before them all.
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

/// The last probe of each seed of `arm`.
pub(super) fn last_updates(rows: &[ProbeRow], arm: &str) -> BTreeMap<u32, u32> {
    let mut last = BTreeMap::new();
    for row in rows.iter().filter(|row| row.arm == arm) {
        let update = last.entry(row.seed).or_insert(row.update);
        *update = row.update.max(*update);
    }
    last
}

/// The layers, in order of first appearance, and then the network.
pub(super) fn layers(rows: &[ProbeRow]) -> Vec<&str> {
    let mut layers = distinct(rows.iter().map(|row| &row.layer[..]));
    layers.sort_by_key(|layer| *layer == NETWORK);
    layers
}

/// Each name once, in order of first appearance.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// The first probe of each task but the first.
pub(super) fn task_switches<'a>(rows: impl IntoIterator<Item = &'a ProbeRow>) -> Vec<u32> {
    let mut first: BTreeMap<u32, u32> = BTreeMap::new();
    for row in rows {
        let update = first.entry(row.task).or_insert(row.update);
        *update = row.update.min(*update);
    }
    first.into_values().skip(1).collect()
}

/// Fails if a layer has two rows of one probe: a mean would count one of them twice.
pub(super) fn check_distinct(base: &Path, rows: &[ProbeRow]) -> Result<(), ReportError> {
    let mut seen = BTreeSet::new();
    let again = rows
        .iter()
        .find(|row| !seen.insert((&row.arm, row.seed, row.update, &row.layer)));
    again.map_or(Ok(()), |row| {
        Err(ReportError::Chart {
            path: base.to_owned(),
            reason: format!(
                "two rows of arm {:?}, seed {}, update {}, layer {:?}",
                row.arm, row.seed, row.update, row.layer
            ),
        })
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, io};

    use super::*;
    use crate::probe::Sharpness;
    use crate::scheduler::LayerDecision;

    pub(in super::super) fn row(arm: &str, seed: u32, update: u32, layer: &str) -> ProbeRow {
        ProbeRow {
            arm: arm.to_owned(),
            seed,
            task: 1,
            update,
            layer: layer.to_owned(),
            loss: 2.5,
            accuracy: 0.125,
            step_size: 1e-3,
            effective_step: Some(0.25),
            sharpness: Some(140.0),
            residual: Some(0.01),
            iterations: 12,
            converged: true,
            sharpness_normalised: Some(35.0),
            sharpness_mean: Some(7.0),
            sharpness_variance: Some(3.5),
            volatility: Some(0.5),
            grad_norm_sq: 0.5,
            objective_grad_norm_sq: 0.6,
            grad_variance: 16.0,
            second_moment: 2e-6,
            bound_noise: Some(0.5),
            bound_volatility: Some(0.5),
            bound_combined: Some(0.25),
            bound_tau: Some(0.125),
            violation: Some(false),
            action: Some(Action::Hold),
            next_step_size: Some(1e-3),
            weight_norm: 7.0,
            update_norm: 0.75,
        }
    }

    fn bare_row() -> ProbeRow {
        ProbeRow {
            effective_step: None,
            sharpness: None,
            residual: None,
            iterations: 0,
            converged: false,
            sharpness_normalised: None,
            sharpness_mean: None,
            sharpness_variance: None,
            volatility: None,
            bound_noise: None,
            bound_volatility: None,
            bound_combined: None,
            bound_tau: None,
            violation: None,
            action: None,
            next_step_size: None,
            ..row("l2, strong", 8, 0, "1")
        }
    }

    const HEAD: &str = "arm,seed,task,update,layer,loss,accuracy,step_size,effective_step,sharpness,residual,\
                        iterations,converged,sharpness_normalised,sharpness_mean,sharpness_variance,volatility,\
                        grad_norm_sq,objective_grad_norm_sq,grad_variance,second_moment,bound_noise,\
                        bound_volatility,bound_combined,bound_tau,violation,action,next_step_size,weight_norm,\
                        update_norm\n";

    fn written(rows: &[ProbeRow]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("probes.csv");
        write_probes_csv(&path, rows).unwrap();
        fs::read_to_string(path).unwrap()
    }

    /// By the names in the header.
    fn read_back(table: &str) -> Vec<ProbeRow> {
        csv::Reader::from_reader(table.as_bytes())
            .deserialize()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn the_table_is_the_one_written_by_hand() {
        assert_eq!(
            written(&[row("relu", 7, 300, "2"), bare_row()]),
            format!(
                "{HEAD}relu,7,1,300,2,2.5,0.125,0.001,0.25,140.0,0.01,12,true,35.0,7.0,3.5,0.5,0.5,0.6,16.0,\
                 2e-6,0.5,0.5,0.25,0.125,false,hold,0.001,7.0,0.75\n\
                 \"l2, strong\",8,1,0,1,2.5,0.125,0.001,,,,0,false,,,,,0.5,0.6,16.0,2e-6,,,,,,,,7.0,0.75\n"
            )
        );
    }

    #[test]
    fn an_empty_table_has_its_header() {
        assert_eq!(written(&[]), HEAD);
    }

    #[test]
    fn numbers_and_names_read_back_exactly() {
        let rows = [
            ProbeRow {
                arm: "a \"quoted\",\nβ₁ name".to_owned(),
                seed: u32::MAX,
                loss: 0.1 + 0.2,
                effective_step: Some(f64::MIN_POSITIVE),
                sharpness: Some(-1.0 / 3.0),
                weight_norm: f64::MAX,
                update_norm: 5e-324,
                ..row("", 1, u32::MAX, NETWORK)
            },
            bare_row(),
        ];
        assert_eq!(read_back(&written(&rows)), rows);
    }

    #[test]
    fn a_table_shows_what_is_not_finite() {
        let rows = [ProbeRow {
            loss: f64::NAN,
            sharpness: Some(f64::NAN),
            grad_variance: f64::INFINITY,
            update_norm: f64::NEG_INFINITY,
            ..row("relu", 1, 1, "1")
        }];
        let table = written(&rows);
        assert!(
            table.contains(",NaN,0.125,") && table.contains(",0.25,NaN,0.01,"),
            "{table}"
        );
        assert!(
            table.ends_with(",inf,2e-6,0.5,0.5,0.25,0.125,false,hold,0.001,7.0,-inf\n"),
            "{table}"
        );
        assert!(read_back(&table)[0].sharpness.unwrap().is_nan());
    }

    #[test]
    fn an_unwritable_directory_is_a_typed_error_and_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let not_a_directory = directory.path().join("file");
        fs::write(&not_a_directory, "kept").unwrap();
        let error =
            write_probes_csv(&not_a_directory.join("probes.csv"), &[bare_row()]).unwrap_err();
        let ReportError::Write { path, source } = error else {
            panic!("{error:?}")
        };
        assert_eq!(path, not_a_directory.join("probes.csv"));
        assert_eq!(source.kind(), io::ErrorKind::NotADirectory);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(not_a_directory).unwrap(), "kept");
    }

    #[test]
    fn a_probe_has_a_row_for_each_layer_and_the_network() {
        let stats = LayerStats {
            parameters: 10,
            grad_norm_sq: 0.5,
            objective_grad_norm_sq: 0.6,
            grad_variance: 16.0,
            sharpness: Some(Sharpness {
                eigenvalue: 140.0,
                residual: 0.01,
                iterations: 12,
                converged: true,
            }),
            step_size: 1e-3,
            effective_step: Some(0.25),
            weight_norm: 7.0,
            update_norm: 0.75,
            second_moment: 2e-6,
        };
        let bounds = Bounds {
            effective_step: 0.25,
            normalised_sharpness: 35.0,
            mean: 7.0,
            variance: 3.5,
            volatility: 0.5,
            noise: 0.5,
            curvature: 0.5,
            combined: 0.25,
            tau: 0.125,
        };
        let bare = LayerStats {
            sharpness: None,
            effective_step: None,
            grad_variance: 0.0,
            ..stats
        };
        let negative = stats.sharpness.map(|sharpness| Sharpness {
            eigenvalue: -2.0,
            converged: false,
            ..sharpness
        });
        let network = LayerStats {
            sharpness: negative,
            ..stats
        };
        let probe = ProbeStats {
            task: 0,
            update: 300,
            loss: 2.5,
            accuracy: 0.125,
            layers: vec![stats, bare],
            network,
        };
        let decided = |action, step_size, bounds| LayerDecision {
            step_size,
            action,
            bounds,
            exceeded: None,
        };
        let decision = Decision {
            layers: vec![
                decided(Action::Hold, 1e-3, Some(bounds)),
                decided(Action::Cool, 5e-4, None),
            ],
            network: Some(Bounds {
                curvature: f64::INFINITY,
                combined: 0.2,
                ..bounds
            }),
        };
        let rows = probe_rows("relu", 7, &probe, &decision);
        assert_eq!(rows[0], row("relu", 7, 300, "1"));
        let second = ProbeRow {
            arm: "relu".to_owned(),
            seed: 7,
            update: 300,
            layer: "2".to_owned(),
            grad_variance: 0.0,
            action: Some(Action::Cool),
            next_step_size: Some(5e-4),
            ..bare_row()
        };
        assert_eq!(rows[1], second);
        let third = ProbeRow {
            sharpness: Some(-2.0),
            converged: false,
            bound_volatility: None,
            bound_combined: Some(0.2),
            violation: Some(true),
            action: None,
            next_step_size: None,
            ..row("relu", 7, 300, NETWORK)
        };
        assert_eq!(rows[2], third);
        assert_eq!(rows.len(), 3);
    }

    fn sharp(seed: u32, update: u32, sharpness: Option<f64>) -> ProbeRow {
        ProbeRow {
            sharpness,
            ..row("relu", seed, update, "1")
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
            row("other arm", 1, 100, "1"),
            row("relu", 1, 100, NETWORK),
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

    #[test]
    fn the_network_comes_last_and_a_task_begins_at_its_first_probe() {
        let task = |task, update, layer| ProbeRow {
            task,
            ..row("relu", 1, update, layer)
        };
        let rows = [
            task(1, 0, "1"),
            task(1, 0, NETWORK),
            task(3, 700, "1"),
            task(2, 400, "2"),
            task(2, 300, "2"),
        ];
        assert_eq!(layers(&rows), ["1", "2", NETWORK]);
        assert_eq!(task_switches(&rows), [300, 700]);
    }
}
