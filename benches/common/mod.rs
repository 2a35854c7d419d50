//! The work that the benchmarks time: the paper's network, 784-256-256-10 at batch 256, on random labels.

#![allow(dead_code)] // No benchmark uses everything.

use std::time::{Duration, Instant};

use trainable::Trainer;
use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};

/// The minibatch of the paper.
pub(crate) const BATCH: u32 = 256;

/// The number of images of the paper.
pub(crate) const IMAGES: u32 = 25_600;

/// Training of `replicas` seeds on so many images that are drawn at random.
pub(crate) fn spec(images: u32, replicas: u32, probe: Option<ProbeSpec>) -> TrainingSpec {
    let bytes: Vec<u8> = (0..images * 784)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let set = ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap();
    TrainingSpec {
        network: Network::mlp(&[784, 256, 256, 10], Activation::Relu).unwrap(),
        batch: BATCH,
        replicas: (0..replicas)
            .map(|seed| ReplicaSpec {
                seed,
                ..ReplicaSpec::default()
            })
            .collect(),
        stream: Some(TaskStream::random_labels(set, images, 100)),
        probe,
    }
}

/// Trains `steps` steps, waits for them, and returns the time.
pub(crate) fn time_steps(trainer: &mut Trainer, steps: u32) -> Duration {
    let start = Instant::now();
    trainer.train(steps).unwrap();
    let progress = trainer.progress().unwrap();
    let elapsed = start.elapsed();
    assert!(progress.iter().all(|replica| replica.halted.is_none()));
    elapsed
}
