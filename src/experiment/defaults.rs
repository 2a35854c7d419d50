//! Defaults of an experiment's fields: the values of preset `diagnosis` in its small size.

use super::{Arm, Experiment, Figure};
use crate::network::{Activation, Architecture};
use crate::probe::ProbeSpec;
use crate::scheduler::{Control, Estimator};
use crate::spec::{Optimiser, StreamKind, TaskSwitch};

pub(super) fn images() -> u32 {
    1_280
}

pub(super) fn batch() -> u32 {
    64
}

pub(super) fn epochs() -> u32 {
    50
}

pub(super) fn tasks() -> u32 {
    8
}

pub(super) fn relabel_fraction() -> f32 {
    1.0
}

pub(super) fn seeds() -> Vec<u32> {
    vec![1, 2]
}

pub(super) fn interval() -> u32 {
    40
}

pub(super) fn indicators_every() -> u32 {
    5
}

pub(super) fn figures() -> Vec<Figure> {
    vec![Figure::Diagnosis]
}

pub(super) fn hidden() -> Vec<u32> {
    vec![256, 256]
}

pub(super) fn activation() -> Activation {
    Activation::Relu
}

pub(super) fn step_size() -> f64 {
    1e-3
}

impl Default for Experiment {
    /// Random labels in the small size of the presets, without a name and without arms.
    fn default() -> Self {
        Self {
            name: String::new(),
            question: String::new(),
            stream: StreamKind::default(),
            data: None,
            images: images(),
            batch: batch(),
            epochs: epochs(),
            tasks: tasks(),
            relabel_fraction: relabel_fraction(),
            switch_seed: None,
            seeds: seeds(),
            interval: interval(),
            indicators_every: indicators_every(),
            probe: ProbeSpec::default(),
            estimator: Estimator::default(),
            figures: figures(),
            arms: Vec::new(),
        }
    }
}

impl Default for Arm {
    /// The paper's network with ReLU and Adam(1e-3), and nothing that keeps its trainability.
    fn default() -> Self {
        Self {
            name: "ReLU".to_owned(),
            network: Architecture::default(),
            hidden: hidden(),
            activation: activation(),
            step_size: step_size(),
            l2: 0.0,
            l2_init: 0.0,
            wasserstein: 0.0,
            spectral: 0.0,
            at_task_switch: TaskSwitch::default(),
            interventions: Vec::new(),
            placebo: None,
            host_control: None,
            optimiser: Optimiser::default(),
            update_clipping: None,
            gradient_clipping: None,
            control: Control::default(),
        }
    }
}
