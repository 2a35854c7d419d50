//! Bounds and indicators averaged over tasks: the table `task_indicators.csv`, from which early_warning.csv is computed.
//!
//! The table of probes is too large to keep with every experiment. The table of their means over tasks is small enough.

use std::collections::HashMap;

use super::Results;
use crate::record::{IndicatorRow, NETWORK, ProbeRow, TaskIndicatorRow};
use crate::statistics::mean_if_any as mean;

/// Returns the row of means over `measured`.
fn row((arm, seed, task): Replica<'_>, layer: &str, measured: &Measured<'_>) -> TaskIndicatorRow {
    let probes = |value: fn(&ProbeRow) -> Option<f64>| {
        mean(measured.probes.iter().copied().filter_map(value))
    };
    let minibatches = |value: fn(&IndicatorRow) -> Option<f64>| {
        mean(measured.minibatches.iter().copied().filter_map(value))
    };
    TaskIndicatorRow {
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
        grad_norm_over_weight_norm: probes(|row| Some(row.grad_norm_sq.sqrt() / row.weight_norm)),
        dead: minibatches(|row| row.dead),
        dormant: minibatches(|row| row.dormant),
        sign_entropy: minibatches(|row| row.sign_entropy),
        effective_rank: minibatches(|row| Some(row.effective_rank)),
        stable_rank: minibatches(|row| Some(row.stable_rank)),
        fisher_rank: minibatches(|row| Some(row.fisher_rank as f64)),
        fisher_effective_rank: minibatches(|row| Some(row.fisher_effective_rank)),
    }
}

/// Returns the effective step alpha divided by a bound; 0 where the bound is infinite, `None` where none was measured.
fn share(row: &ProbeRow, bound: Option<f64>) -> Option<f64> {
    row.violation?;
    let step = row.effective_step?;
    Some(bound.map_or(0.0, |bound| step / bound.max(f64::MIN_POSITIVE)))
}

/// An arm, a seed and a task.
type Replica<'a> = (&'a str, u32, u32);

/// The measurements in one task of one replica, of one layer or of the network.
#[derive(Default)]
struct Measured<'a> {
    probes: Vec<&'a ProbeRow>,
    minibatches: Vec<&'a IndicatorRow>,
}

/// A task of a replica, and a layer or the network.
type Key<'a> = (Replica<'a>, &'a str);

/// All measurements, in the order in which their keys were first met.
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

/// Returns the means over tasks of all measurements in `results`, by arm, seed, task and layer, in the order of its rows.
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
    all.map(|((replica, layer), measured)| row(*replica, layer, measured))
        .collect()
}
