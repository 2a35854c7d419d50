//! One small task on every adapter ends at the CPU executor's weights. The test prints the largest distance. Another test
//! cuts the work of the paper's size into submissions.

mod common;

use common::{Tolerance, compare, gpus, noise};
use trainable::network::{Activation, Network, Parameters};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Trainer};

/// A fiftieth of a step size: Adam moves a weight by about 1e-3 at every update.
const TOLERANCE: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};
const STEPS: u32 = 30;

fn spec() -> TrainingSpec {
    let pixels: Vec<u8> = noise(3, 64 * 21)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    let replica = |seed| ReplicaSpec {
        seed,
        l2: 1e-3,
        ..ReplicaSpec::default()
    };
    TrainingSpec {
        network: Network::mlp(&[21, 18, 14, 5], Activation::Crelu).unwrap(),
        batch: 8,
        replicas: (1..5).map(replica).collect(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&pixels, 21, 0.5, 0.29).unwrap(),
            subset: 48,
            epochs: 5,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    }
}

/// Returns weights and biases `[replica][element]` after `steps` steps.
fn weights(compute: &Compute, steps: u32) -> Vec<Vec<f64>> {
    let mut trainer = Trainer::new(compute, spec()).unwrap();
    trainer.train(steps).unwrap();
    let flat = |tensors: &Parameters| tensors.iter().flatten().map(|x| f64::from(*x)).collect();
    trainer.parameters().unwrap().iter().map(flat).collect()
}

fn deviation(found: &[f64], wanted: &[f64]) -> f64 {
    let apart = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f64::max)
}

#[test]
fn one_task_ends_where_the_cpu_executors_does() {
    let wanted = weights(&Compute::Cpu, STEPS);
    let untrained = weights(&Compute::Cpu, 0);
    for (replica, (trained, before)) in wanted.iter().zip(&untrained).enumerate() {
        let moved = compare(trained.clone(), before.clone(), TOLERANCE);
        assert!(moved.is_err(), "replica {replica} did not move");
    }
    for gpu in gpus() {
        let name = gpu.adapter.to_string();
        let found = weights(&Compute::Gpu(gpu), STEPS);
        let mut worst = 0.0_f64;
        for (replica, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            compare(found.clone(), wanted.clone(), TOLERANCE)
                .unwrap_or_else(|error| panic!("{name}, replica {replica}: {error}"));
            worst = worst.max(deviation(found, wanted));
        }
        assert_eq!(found.len(), wanted.len());
        eprintln!("{name}: {STEPS} steps, weights within {worst:.1e} of the CPU executor's");
    }
}

/// Trains as many replicas as a run of the paper's size trains together on the adapter, for a few steps and a probe.
#[test]
fn long_work_is_cut_into_submissions() {
    let images = ImageSet::new(&vec![9; 784 * 256], 784, 0.5, 0.29).unwrap();
    let mut spec = TrainingSpec {
        network: Network::mlp(&[784, 256, 256, 10], Activation::Relu).unwrap(),
        batch: 256,
        replicas: vec![ReplicaSpec::default(); 40],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images,
            subset: 256,
            epochs: 5,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec {
            iterations: 3,
            ..ProbeSpec::default()
        }),
    };
    for gpu in gpus() {
        let name = gpu.adapter.to_string();
        let compute = Compute::Gpu(gpu);
        let fit = compute.replicas_that_fit(&spec).unwrap();
        spec.replicas.truncate(fit);
        let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
        trainer.train(3).unwrap();
        trainer.probe().unwrap();
        trainer.progress().unwrap();
        let longest = trainer.longest_submission().unwrap();
        assert!(!longest.is_zero(), "{name}");
        let replicas = spec.replicas.len();
        eprintln!(
            "{name}: {replicas} replicas of the paper's size together, submissions up to {longest:.1?}"
        );
    }
    let cpu = Trainer::new(&Compute::Cpu, spec).unwrap();
    assert_eq!(cpu.longest_submission(), None);
}
