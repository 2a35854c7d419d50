//! The training that the page and the program share.

use trainable::Error;
use trainable::network::{Activation, Network, Parameters};
use trainable::rng::pcg4d;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec};

const IMAGES: u32 = 256;
const PIXELS: u32 = 64;

/// Builds three replicas of a network that learns random labels of noise. The first keeps its parameters from task to task.
/// The second also keeps them, and L2-init pulls them towards their initial values. The third gets a fresh network for each
/// task.
///
/// # Errors
/// [`Error`] if a constant below is out of its range.
pub fn training() -> Result<TrainingSpec, Error> {
    let noise: Vec<u8> = (0..IMAGES * PIXELS)
        .map(|i| (pcg4d([0, 0, 0, i])[0] >> 24) as u8)
        .collect();
    let carried = ReplicaSpec {
        step_size: 1e-2,
        ..ReplicaSpec::default()
    };
    let pulled = ReplicaSpec {
        l2_init: 1e-2,
        ..carried.clone()
    };
    let fresh = ReplicaSpec {
        at_task_switch: TaskSwitch::FreshNetwork,
        ..carried.clone()
    };
    Ok(TrainingSpec {
        network: Network::mlp(&[PIXELS, 32, 32, 10], Activation::Relu)?,
        batch: 16,
        replicas: vec![carried, pulled, fresh],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&noise, PIXELS as usize, 0.5, 0.29)?,
            subset: 128,
            epochs: 15,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    })
}

/// Returns all parameters of all replicas, tensor by tensor.
pub fn flat(replicas: &[Parameters]) -> Vec<f32> {
    replicas.iter().flatten().flatten().copied().collect()
}
