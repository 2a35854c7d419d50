//! Bounds and indicators averaged over tasks: `task_indicators.csv`, from which foresight.csv is made.
//!
//! Probes are many, and their table is too large to be kept with every experiment; their means over tasks are not.

use std::collections::HashMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Results;
use super::results::mean;
use crate::report::{IndicatorRow, NETWORK, ProbeRow, ReportError, write_csv};

/// Means over the probes of one task of one replica, of one layer or of the network: a row of task_indicators.csv.
/// Whatever was not measured in the task is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskIndicatorRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task, from 1, as people count.
    pub task: u32,
    /// The layer as in probes.csv, or `network`.
    pub layer: String,
    /// The effective step size over the combined bound; 0 where the bound is infinite.
    pub step_over_combined: Option<f64>,
    /// Over the bound from gradient noise.
    pub step_over_noise: Option<f64>,
    /// Over the bound from the volatility of curvature.
    pub step_over_volatility: Option<f64>,
    /// Over tau, the bound of the Lyapunov form.
    pub step_over_tau: Option<f64>,
    /// The share of probes with an effective step size above the combined bound.
    pub above_combined: Option<f64>,
    /// Sharpness.
    pub sharpness: Option<f64>,
    /// Normalised sharpness.
    pub sharpness_normalised: Option<f64>,
    /// The effective step size.
    pub effective_step: Option<f64>,
    /// The norm of the parameters.
    pub weight_norm: Option<f64>,
    /// The norm of the minibatch's gradient.
    pub grad_norm: Option<f64>,
    /// The one over the other.
    pub grad_norm_over_weight_norm: Option<f64>,
    /// [`IndicatorRow::dead`], in the network's row alone, as all that follow.
    pub dead: Option<f64>,
    /// [`IndicatorRow::dormant`]
    pub dormant: Option<f64>,
    /// [`IndicatorRow::sign_entropy`]
    pub sign_entropy: Option<f64>,
    /// [`IndicatorRow::effective_rank`]
    pub effective_rank: Option<f64>,
    /// [`IndicatorRow::stable_rank`]
    pub stable_rank: Option<f64>,
    /// [`IndicatorRow::fisher_rank`]
    pub fisher_rank: Option<f64>,
    /// [`IndicatorRow::fisher_effective_rank`]
    pub fisher_effective_rank: Option<f64>,
}

const HEADER: [&str; 22] = [
    "arm",
    "seed",
    "task",
    "layer",
    "step_over_combined",
    "step_over_noise",
    "step_over_volatility",
    "step_over_tau",
    "above_combined",
    "sharpness",
    "sharpness_normalised",
    "effective_step",
    "weight_norm",
    "grad_norm",
    "grad_norm_over_weight_norm",
    "dead",
    "dormant",
    "sign_entropy",
    "effective_rank",
    "stable_rank",
    "fisher_rank",
    "fisher_effective_rank",
];

impl TaskIndicatorRow {
    /// Whether it is of the whole network.
    pub fn is_network(&self) -> bool {
        self.layer == NETWORK
    }

    fn new((arm, seed, task): Replica<'_>, layer: &str, measured: &Measured<'_>) -> Self {
        let probes = |value: fn(&ProbeRow) -> Option<f64>| {
            mean(measured.probes.iter().copied().filter_map(value))
        };
        let minibatches = |value: fn(&IndicatorRow) -> Option<f64>| {
            mean(measured.minibatches.iter().copied().filter_map(value))
        };
        Self {
            arm: arm.to_owned(),
            seed,
            task,
            layer: layer.to_owned(),
            step_over_combined: probes(|row| share(row, row.bound_combined)),
            step_over_noise: probes(|row| share(row, row.bound_noise)),
            step_over_volatility: probes(|row| share(row, row.bound_volatility)),
            step_over_tau: probes(|row| share(row, row.bound_tau)),
            above_combined: probes(|row| row.violation.map(|above| f64::from(u8::from(above)))),
            sharpness: probes(|row| row.sharpness),
            sharpness_normalised: probes(|row| row.sharpness_normalised),
            effective_step: probes(|row| row.effective_step),
            weight_norm: probes(|row| Some(row.weight_norm)),
            grad_norm: probes(|row| Some(row.grad_norm_sq.sqrt())),
            grad_norm_over_weight_norm: probes(|row| {
                Some(row.grad_norm_sq.sqrt() / row.weight_norm)
            }),
            dead: minibatches(|row| row.dead),
            dormant: minibatches(|row| row.dormant),
            sign_entropy: minibatches(|row| row.sign_entropy),
            effective_rank: minibatches(|row| Some(row.effective_rank)),
            stable_rank: minibatches(|row| Some(row.stable_rank)),
            fisher_rank: minibatches(|row| Some(row.fisher_rank as f64)),
            fisher_effective_rank: minibatches(|row| Some(row.fisher_effective_rank)),
        }
    }
}

/// alpha over a bound; 0 where the bound is infinite, nothing where none was measured.
fn share(row: &ProbeRow, bound: Option<f64>) -> Option<f64> {
    row.violation?;
    let step = row.effective_step?;
    Some(bound.map_or(0.0, |bound| step / bound.max(f64::MIN_POSITIVE)))
}

/// An arm, a seed and a task.
type Replica<'a> = (&'a str, u32, u32);

/// What was measured in one task of one replica, of one layer or of the network.
#[derive(Default)]
struct Measured<'a> {
    probes: Vec<&'a ProbeRow>,
    minibatches: Vec<&'a IndicatorRow>,
}

/// A task of a replica, and a layer or the network.
type Key<'a> = (Replica<'a>, &'a str);

/// What was measured, in the order in which it was first met.
#[derive(Default)]
struct Places<'a> {
    indices: HashMap<Key<'a>, usize>,
    all: Vec<(Key<'a>, Measured<'a>)>,
}

impl<'a> Places<'a> {
    fn of(&mut self, key: Key<'a>) -> &mut Measured<'a> {
        let index = *self.indices.entry(key).or_insert_with(|| {
            self.all.push((key, Measured::default()));
            self.all.len() - 1
        });
        &mut self.all[index].1
    }
}

/// The means over tasks of everything that `results` has measured, by arm, seed, task and layer, in the order in which
/// its rows come.
pub fn task_indicators(results: &Results) -> Vec<TaskIndicatorRow> {
    let mut places = Places::default();
    for row in &results.probes {
        let key = ((&row.arm[..], row.seed, row.task), &row.layer[..]);
        places.of(key).probes.push(row);
    }
    for row in &results.indicators {
        let key = ((&row.arm[..], row.seed, row.task), NETWORK);
        places.of(key).minibatches.push(row);
    }
    let all = places.all.iter();
    all.map(|((replica, layer), measured)| TaskIndicatorRow::new(*replica, layer, measured))
        .collect()
}

/// Writes `rows` to `path`, in their order, under a header of the fields' names. The file is whole or absent.
///
/// # Errors
/// [`ReportError::Write`] when the file system refuses.
pub fn write_task_indicators(path: &Path, rows: &[TaskIndicatorRow]) -> Result<(), ReportError> {
    write_csv(path, &HEADER, rows)
}
