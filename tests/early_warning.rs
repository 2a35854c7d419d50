//! early_warning.csv can be computed again from the tables that an experiment's folder keeps: tasks.csv and the means over
//! tasks.
#![cfg(feature = "report")]

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use trainable::Compute;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Arm, Experiment, Results, early_warning, run, task_indicators, write_tables,
};
use trainable::record::{ProbeRow, TaskIndicatorRow, TaskRow, write_table};
use trainable::scheduler::{BoundControl, Control};
use trainable::spec::ImageSet;

/// Returns 120 images of noise, as large as MNIST's.
fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..120 * 784_u32)
        .map(|i| (trainable::rng::pcg4d([i, 5, 0, 0])[3] >> 24) as u8)
        .collect();
    ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap()
}

fn experiment() -> Experiment {
    let arm = |name: &str, control| Arm {
        name: name.to_owned(),
        hidden: vec![8, 6],
        control,
        ..Arm::default()
    };
    Experiment {
        images: 64,
        batch: 16,
        epochs: 8, // 32 steps a task
        tasks: 4,
        seeds: vec![1, 2, 3],
        interval: 8,
        indicators_every: 2,
        arms: vec![
            arm("left alone", Control::Constant),
            arm("steered", Control::Bound(BoundControl::paper())),
        ],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

/// Returns the results of a real run, with accuracies that are changed to drop now and then.
fn results() -> Results {
    let mut results = run(&experiment(), &Compute::Cpu, &images(), |_| {}).unwrap();
    for (place, row) in results.tasks.iter_mut().enumerate() {
        row.online_accuracy = 0.9 - 0.1 * f64::from(u8::from(place % 3 == 1));
    }
    results
}

fn rows<T: DeserializeOwned>(path: &Path) -> Vec<T> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn early_warnings_are_made_again_from_the_means_over_tasks_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    write_tables(directory.path(), &experiment(), &results()).unwrap();
    let written = fs::read(path("early_warning.csv")).unwrap();
    let tasks: Vec<TaskRow> = rows(&path("tasks.csv"));
    let mut means: Vec<TaskIndicatorRow> = rows(&path("task_indicators.csv"));
    // The product of 2 arms, 3 seeds, 4 tasks, and 3 layers and the network.
    assert_eq!(means.len(), 2 * 3 * 4 * 4);
    let again = |means: &[TaskIndicatorRow]| {
        let table = early_warning(&experiment(), &tasks, means).unwrap();
        assert!(table.len() >= 25, "accuracy never drops: {}", table.len());
        write_table(&path("again.csv"), &table).unwrap();
        fs::read(path("again.csv")).unwrap()
    };
    assert!(again(&means) == written);
    let changed = means.iter_mut().find(|row| row.is_network()).unwrap();
    changed.sharpness = changed.sharpness.map(|value| 100.0 * value);
    assert!(
        again(&means) != written,
        "a mean that is another changes nothing"
    );
}

/// A drop is from one task to the next: over a task without a mean there is none.
#[test]
fn a_task_without_a_mean_has_no_neighbours() {
    let results = results();
    let mut means = task_indicators(&results);
    let pairs = |means: &[TaskIndicatorRow]| {
        let table = early_warning(&experiment(), &results.tasks, means).unwrap();
        let weight_norm = { table.iter() }.find(|row| row.indicator == "weight norm");
        weight_norm.map(|row| row.pairs)
    };
    // The product of 2 arms, 3 seeds and 3 pairs of neighbouring tasks.
    assert_eq!(pairs(&means), Some(18));
    means.retain(|row| row.task != 3);
    assert_eq!(pairs(&means), Some(6));
    means.retain(|row| row.task != 1);
    assert_eq!(pairs(&means), None);
}

#[test]
fn a_mean_over_a_task_is_that_of_its_probes() {
    let results = results();
    let means = task_indicators(&results);
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    for row in &means {
        let own = |probe: &&ProbeRow| {
            let replica = (&probe.arm, probe.seed, probe.task) == (&row.arm, row.seed, row.task);
            replica && probe.layer == row.layer
        };
        let probes: Vec<&ProbeRow> = results.probes.iter().filter(own).collect();
        assert!(!probes.is_empty(), "{row:?}");
        let steps = probes.iter().filter_map(|probe| probe.effective_step);
        assert_eq!(row.effective_step, Some(mean(steps.collect())));
        let norms = probes.iter().map(|probe| probe.grad_norm_sq.sqrt());
        assert_eq!(row.grad_norm, Some(mean(norms.collect())));
        let above = probes.iter().filter_map(|probe| probe.violation);
        let above: Vec<_> = above.map(|above| f64::from(u8::from(above))).collect();
        assert_eq!(row.above_combined, (!above.is_empty()).then(|| mean(above)));
        // Indicators of a minibatch are in the network's row only.
        assert_eq!(row.dead.is_some(), row.is_network());
        assert_eq!(row.fisher_rank.is_some(), row.is_network());
    }
    assert_eq!(
        means.iter().filter(|row| row.is_network()).count(),
        2 * 3 * 4
    );
}
