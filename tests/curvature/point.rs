//! Points of parameter space at which a probe is compared with a reference.

use crate::common::noise;
use crate::oracle;
use crate::reference::{Layer, activation, parameters, read, single};
use serde::Deserialize;
use trainable::network::{Activation, Network, Parameters, Tensor};
use trainable::probe::ProbeSpec;
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::{Compute, Trainer};

#[derive(Deserialize)]
pub(crate) struct Reference {
    pub(crate) activation: String,
    pub(crate) widths: Vec<u32>,
    pub(crate) batch: u32,
    pub(crate) l2: f64,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<u32>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) network: Block,
    pub(crate) v: Vec<Layer>,
    pub(crate) hv: Vec<Layer>,
}

/// Reference numbers of one layer, or of the network.
#[derive(Deserialize)]
pub(crate) struct Block {
    pub(crate) lambda: f64,
    pub(crate) second_abs: f64,
    pub(crate) g2: f64,
    pub(crate) g2_l2: f64,
    pub(crate) s: f64,
}

pub(crate) fn curvature(name: &str) -> Reference {
    read(&format!("curvature_{name}"))
}

/// A network, its parameters and a minibatch: the point at which curvature is measured.
pub(crate) struct Point {
    pub(crate) network: Network,
    pub(crate) batch: u32,
    pub(crate) l2: f32,
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<u32>,
    pub(crate) parameters: Parameters,
}

impl From<&Reference> for Point {
    fn from(case: &Reference) -> Self {
        Self {
            network: Network::mlp(&case.widths, activation(&case.activation)).unwrap(),
            batch: case.batch,
            l2: case.l2 as f32,
            x: single(&case.x),
            y: case.y.clone(),
            parameters: parameters(&case.layers),
        }
    }
}

/// The point that a file of training steps starts from.
#[derive(Deserialize)]
pub(crate) struct StepPoint {
    pub(crate) activation: String,
    pub(crate) widths: Vec<u32>,
    pub(crate) batch: u32,
    pub(crate) l2: f64,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<u32>,
    pub(crate) layers: Vec<Layer>,
}

impl From<&StepPoint> for Point {
    fn from(point: &StepPoint) -> Self {
        Self {
            network: Network::mlp(&point.widths, activation(&point.activation)).unwrap(),
            batch: point.batch,
            l2: point.l2 as f32,
            x: single(&point.x),
            y: point.y.clone(),
            parameters: parameters(&point.layers),
        }
    }
}

impl Point {
    pub(crate) fn random(widths: &[u32], activation: Activation, batch: u32, seed: u32) -> Self {
        let network = Network::mlp(widths, activation).unwrap();
        let layer = |(l, tensors): (u32, &[Tensor])| {
            let [weight, bias] = tensors else {
                panic!("a layer has a weight and a bias");
            };
            let scale = (3.0 / weight.shape[1] as f32).sqrt();
            let weights = noise(seed + 10 * l, weight.count());
            let weights = weights.iter().map(|w| scale * w).collect();
            [weights, noise(seed + 10 * l + 1, bias.count())]
        };
        Self {
            batch,
            l2: 0.0,
            x: noise(seed + 1000, (batch * widths[0]) as usize),
            y: (0..batch)
                .map(|i| (i * 7 + seed) % network.classes())
                .collect(),
            parameters: (0..)
                .zip(network.tensors().chunks(2))
                .flat_map(layer)
                .collect(),
            network,
        }
    }

    /// A trainer of `replicas` equal replicas at this point, with the minibatch loaded.
    pub(crate) fn trainer(&self, compute: &Compute, probe: ProbeSpec, replicas: usize) -> Trainer {
        let replica = ReplicaSpec {
            l2: self.l2,
            ..ReplicaSpec::default()
        };
        self.trainer_of(compute, probe, vec![replica; replicas])
    }

    pub(crate) fn trainer_of(
        &self,
        compute: &Compute,
        probe: ProbeSpec,
        replicas: Vec<ReplicaSpec>,
    ) -> Trainer {
        let count = replicas.len();
        let spec = TrainingSpec {
            network: self.network.clone(),
            batch: self.batch,
            replicas,
            stream: None,
            probe: Some(probe),
        };
        let mut trainer = Trainer::new(compute, spec).unwrap();
        for replica in 0..count {
            trainer.write_parameters(replica, &self.parameters).unwrap();
            trainer.write_batch(replica, &self.x, &self.y).unwrap();
        }
        trainer
    }
}

impl Point {
    pub(crate) fn of_oracle(mlp: &oracle::Mlp, x: &[f64], y: &[u32]) -> Self {
        let widths: Vec<u32> = mlp.widths.iter().map(|width| *width as u32).collect();
        let activation = in_the_crate(mlp.activation);
        let layer = |(weight, bias): &(Vec<f64>, Vec<f64>)| [single(weight), single(bias)];
        Self {
            network: Network::mlp(&widths, activation).unwrap(),
            batch: y.len() as u32,
            l2: 0.0,
            x: single(x),
            y: y.to_vec(),
            parameters: mlp.layers.iter().flat_map(layer).collect(),
        }
    }
}

/// The crate's name of an activation.
pub(crate) fn in_the_crate(activation: oracle::Activation) -> Activation {
    match activation {
        oracle::Activation::Identity => Activation::Identity,
        oracle::Activation::Relu => Activation::Relu,
        oracle::Activation::Crelu => Activation::Crelu,
        oracle::Activation::LeakyRelu => Activation::LeakyRelu,
        oracle::Activation::Tanh => Activation::Tanh,
        oracle::Activation::Gelu => Activation::Gelu,
        oracle::Activation::Silu => Activation::Silu,
        oracle::Activation::Fourier => Activation::Fourier,
    }
}
