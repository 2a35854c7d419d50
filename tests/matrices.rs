//! Methods that work on weight matrices, on the CPU executor and on every adapter, against their formulas in float64.

#[path = "matrices/adam_o.rs"]
mod adam_o;
mod common;
#[path = "matrices/dense.rs"]
mod dense;
#[path = "matrices/fire.rs"]
mod fire;
#[path = "matrices/muon.rs"]
mod muon;
#[path = "matrices/norm_projection.rs"]
mod norm_projection;
#[path = "matrices/spectral.rs"]
mod spectral;
#[path = "matrices/together.rs"]
mod together;

use trainable::Trainer;
use trainable::network::{Activation, Item, Network, Parameters};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};

const PIXELS: u32 = 30;
/// Steps of a task: 23 images make 3 minibatches of 7 in an epoch, and a task has 2 epochs.
const STEPS_PER_TASK: u32 = 6;

/// Networks with matrices that are wider than they are tall, taller than wide, behind two copies, and convolutions; and with
/// gains, biases and embeddings, which are no matrices.
fn networks() -> [Network; 2] {
    let items = [
        "conv 7 kernel 2",
        "crelu",
        "linear 9",
        "layer-norm",
        "tanh",
        "position-embedding",
        "flatten",
        "linear 5",
    ];
    let items = items.map(|item| item.parse::<Item>().unwrap());
    [
        Network::mlp(&[PIXELS, 19, 37, 5], Activation::Crelu).unwrap(),
        Network::sequence([2, 3, 5], &items).unwrap(),
    ]
}

fn spec(network: Network, replicas: Vec<ReplicaSpec>) -> TrainingSpec {
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS as usize)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    TrainingSpec {
        network,
        batch: 7,
        replicas,
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, PIXELS as usize, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    }
}

fn replica(seed: u32) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: 1e-2,
        ..ReplicaSpec::default()
    }
}

/// Whether each tensor is a weight matrix, by its name.
fn are_matrices(network: &Network) -> Vec<bool> {
    let tensors = network.tensors().iter();
    let is_matrix = |name: &str| {
        let is_linear = name.starts_with("fc") || name.starts_with("conv");
        is_linear && name.ends_with(".weight")
    };
    tensors.map(|tensor| is_matrix(&tensor.name)).collect()
}

/// Gives replica 1 the whole state of replica 0, takes one step, and returns the parameters of both.
fn step_of_both(trainer: &mut Trainer) -> [Parameters; 2] {
    let mut snapshot = trainer.snapshot().unwrap();
    for buffer in &mut snapshot.buffers {
        let each = buffer.words.len() / 2;
        buffer.words.copy_within(..each, each);
    }
    trainer.restore(&snapshot).unwrap();
    trainer.train(1).unwrap();
    trainer.parameters().unwrap().try_into().unwrap()
}
