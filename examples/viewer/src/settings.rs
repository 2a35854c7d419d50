//! The settings of the networks, their training and their probes.

use std::time::Duration;

use trainable::Error;
use trainable::data::Description;
use trainable::network::{Activation, Network};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};

use crate::controller::Controller;

/// The settings of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Width of both hidden layers.
    pub hidden: u32,
    /// The activation of both hidden layers.
    pub activation: Activation,
    /// The strength of coupled L2.
    pub l2: f32,
    /// The step size of every layer. A controller starts from it; without a controller it stays.
    pub step_size: f32,
    /// The controller of the step sizes.
    pub controller: Controller,
    /// The number of networks that train side by side, with seeds 0, 1, 2 and so on.
    pub replicas: u32,
    /// The number of samples in a minibatch.
    pub batch: u32,
    /// The number of images in a task.
    pub images: u32,
    /// The number of passes over the images in one task.
    pub epochs: u32,
    /// The number of training steps from one probe to the next.
    pub interval: u32,
    /// The device time for the training of one frame.
    pub budget: Duration,
}

impl Default for Settings {
    /// Returns settings with tasks of 500 steps, so that several tasks pass in a minute on a laptop.
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
            // The budget is about half of a frame at 60 frames a second.
            budget: Duration::from_millis(8),
        }
    }
}

impl Settings {
    /// Returns the specification of the engine for these settings and images.
    ///
    /// # Errors
    /// Returns an error if a number is outside its range.
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
                switch_seed: None,
            }),
            probe: Some(ProbeSpec::default()),
        };
        spec.check()?;
        Ok(spec)
    }
}
