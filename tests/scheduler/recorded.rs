//! Profiles against the record of a second implementation, and against the formulas of the paper.

use crate::{BASE, BATCH, EPSILON};
use serde::Deserialize;
use std::collections::BTreeMap;
use trainable::scheduler::{
    BoundControl, Bounds, Control, Observation, Scheduler, Scope, Statistics,
};

/// A row of assets/reference/scheduler.csv; its README describes the columns.
#[derive(Deserialize)]
struct Row {
    arm: String,
    task: u32,
    update: u32,
    progress: f64,
    layer: String,
    step_size: f64,
    effective_step: Option<f64>,
    sharpness: Option<f64>,
    grad_norm_sq: f64,
    objective_grad_norm_sq: f64,
    grad_variance: f64,
    second_moment: f64,
    mean: Option<f64>,
    variance: Option<f64>,
    combined: Option<f64>,
    tau: Option<f64>,
    next_step_size: Option<f64>,
}

impl Row {
    fn statistics(&self) -> Statistics {
        Statistics {
            parameters: 1_000,
            step_size: self.step_size,
            effective_step: self.effective_step,
            sharpness: self.sharpness,
            grad_norm_sq: self.grad_norm_sq,
            objective_grad_norm_sq: self.objective_grad_norm_sq,
            grad_variance: self.grad_variance,
            second_moment: self.second_moment,
        }
    }

    fn bounds(&self) -> [Option<f64>; 4] {
        [self.mean, self.variance, self.combined, self.tau]
    }
}

/// Returns the rows of one arm, probe by probe: the layers, then the network.
fn recorded(arm: &str) -> Vec<Vec<Row>> {
    let table = include_bytes!("../../assets/reference/scheduler.csv");
    let mut probes: BTreeMap<u32, Vec<Row>> = BTreeMap::new();
    for row in csv::Reader::from_reader(&table[..]).deserialize() {
        let row: Row = row.expect("a row of scheduler.csv");
        if row.arm == arm {
            probes.entry(row.update).or_default().push(row);
        }
    }
    probes.into_values().collect()
}

fn recorded_observation(probe: &[Row]) -> Observation {
    let (network, layers) = probe.split_last().expect("a probe has rows");
    assert_eq!(network.layer, "network");
    Observation {
        task: network.task,
        update: network.update,
        progress: network.progress,
        batch: BATCH,
        epsilon: EPSILON,
        layers: layers.iter().map(Row::statistics).collect(),
        network: network.statistics(),
    }
}

/// Compares all bounds and step sizes of a recorded arm with those under `control`.
fn compare_with_record(arm: &str, control: BoundControl) -> Result<(), String> {
    let mut scheduler = Scheduler::new(Control::Bound(control), BASE, 2, 0).unwrap();
    let probes = recorded(arm);
    assert_eq!(probes.len(), 60, "probes of {arm}");
    for probe in probes {
        let decision = scheduler.observe(&recorded_observation(&probe)).unwrap();
        let layers = decision.layers.iter();
        let decided = layers
            .map(|layer| (layer.bounds, Some(layer.step_size)))
            .chain([(decision.network, None)]);
        for (row, (bounds, step_size)) in probe.iter().zip(decided) {
            let of = |get: fn(Bounds) -> f64| bounds.map(get);
            let found = [
                of(|b| b.mean),
                of(|b| b.variance),
                of(|b| b.combined),
                of(|b| b.tau),
                step_size,
            ];
            let [mean, variance, combined, tau] = row.bounds();
            let expected = [mean, variance, combined, tau, row.next_step_size];
            let place = format!("{arm}, update {}, layer {}", row.update, row.layer);
            for (found, expected) in found.into_iter().zip(expected) {
                let close = match (found, expected) {
                    (Some(found), Some(expected)) => {
                        (found - expected).abs() <= 1e-9 * expected.abs() + 1e-15
                    }
                    (None, None) => true,
                    _ => false,
                };
                if !close {
                    return Err(format!("{place}: {found:?}, not {expected:?}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn profiles_agree_with_a_second_implementation() {
    let global = BoundControl {
        scope: Scope::Global,
        ..BoundControl::paper()
    };
    let arms = [
        ("paper", BoundControl::paper()),
        ("paper-global", global),
        ("summary", BoundControl::summary()),
        ("unbiased", BoundControl::unbiased()),
    ];
    for (arm, control) in arms {
        compare_with_record(arm, control).unwrap();
        for (other, control) in arms.into_iter().filter(|(other, _)| *other != arm) {
            let same = compare_with_record(arm, control).is_ok();
            assert!(!same, "{other} passes for {arm}");
        }
    }
}
