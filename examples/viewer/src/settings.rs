//! What is trained, and how often it is probed.

use std::time::Duration;

use trainable::Error;
use trainable::data::Description;
use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};

use crate::controller::Controller;

/// Everything that a session starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Width of both hidden layers.
    pub hidden: u32,
    /// The nonlinearity after them.
    pub activation: Activation,
    /// Coupled L2.
    pub l2: f32,
    /// The step size of every layer: all through without a controller, at the start with one.
    pub step_size: f32,
    /// What steers step sizes.
    pub controller: Controller,
    /// Networks that train side by side, with seeds 0, 1, 2 and so on.
    pub replicas: u32,
    /// Samples in a minibatch.
    pub batch: u32,
    /// Images of every task.
    pub images: u32,
    /// Passes over them in one task.
    pub epochs: u32,
    /// Training steps from one probe to the next.
    pub interval: u32,
    /// What one frame's training should take of the device.
    pub budget: Duration,
}

impl Default for Settings {
    /// A task of 500 steps, so that several pass in a minute on a laptop.
    fn default() -> Self {
        Self {
            hidden: 128,
            activation: Activation::Relu,
            l2: 0.0,
            step_size: 1e-3,
            controller: Controller::Off,
            replicas: 4,
            batch: 64,
            images: 640,
            epochs: 50,
            interval: 40,
            // About half of a frame at 60 a second.
            budget: Duration::from_millis(8),
        }
    }
}

impl Settings {
    /// The same as the engine takes it, on these images.
    ///
    /// # Errors
    /// A number outside its range.
    pub fn training_spec(&self, images: &ImageSet) -> Result<TrainingSpec, Error> {
        let classes = Description::mnist().classes;
        let widths = [images.pixels(), self.hidden, self.hidden, classes];
        let replica = |seed| ReplicaSpec {
            seed,
            step_size: self.step_size,
            l2: self.l2,
            ..ReplicaSpec::default()
        };
        let spec = TrainingSpec {
            network: Network::mlp(&widths, self.activation)?,
            batch: self.batch,
            replicas: (0..self.replicas).map(replica).collect(),
            stream: Some(TaskStream {
                kind: StreamKind::RandomLabels,
                images: images.clone(),
                subset: self.images,
                epochs: self.epochs,
                relabel_fraction: 1.0,
            }),
            probe: Some(ProbeSpec::default()),
        };
        spec.check()?;
        Ok(spec)
    }
}
