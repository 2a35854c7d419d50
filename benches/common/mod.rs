//! The work that the benchmarks time: the paper's network, 784-256-256-10 at batch 256, on random labels.

use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};

/// The minibatch of the paper.
pub(crate) const BATCH: u32 = 256;

/// Training of `replicas` seeds on images that are drawn at random.
pub(crate) fn spec(replicas: u32, probe: Option<ProbeSpec>) -> TrainingSpec {
    let bytes: Vec<u8> = (0..25_600 * 784_u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let images = ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap();
    TrainingSpec {
        network: Network::mlp(&[784, 256, 256, 10], Activation::Relu).unwrap(),
        batch: BATCH,
        replicas: (0..replicas)
            .map(|seed| ReplicaSpec {
                seed,
                ..ReplicaSpec::default()
            })
            .collect(),
        stream: Some(TaskStream::random_labels(images, 25_600, 100)),
        probe,
    }
}
