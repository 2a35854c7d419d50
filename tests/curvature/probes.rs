//! Probe specifications of the tests, and what they read from the statistics.

use crate::common::{Tolerance, compare};
use trainable::Trainer;
use trainable::probe::{IterateForm, LayerStats, ProbeMethod, ProbeSpec, ProbeStart, ProbeStats};

pub(crate) const FORMS: [IterateForm; 2] = [IterateForm::SampleGradients, IterateForm::Parameters];

/// Tolerance of one pass in float32.
pub(crate) const ONE_PASS: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 2e-5,
};

/// Tolerance of an eigenvalue after 70 iterations with momentum or 40 of LOBPCG, where the next
/// eigenvalue is at most 0.95 of it.
pub(crate) const EIGENVALUE: Tolerance = Tolerance {
    atol: 0.0,
    rtol: 1e-4,
};

/// A probe by plain power iteration from a random start.
pub(crate) fn cold(iterations: u32, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        method: ProbeMethod::Power,
        iterations,
        tolerance: 0.0,
        start: ProbeStart::Cold,
        seed: 3,
        form,
        momentum: 0.0,
    }
}

pub(crate) fn with_momentum(iterations: u32, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        momentum: 0.9,
        ..cold(iterations, form)
    }
}

pub(crate) fn optimal(iterations: u32, form: IterateForm) -> ProbeSpec {
    ProbeSpec {
        method: ProbeMethod::Lobpcg,
        ..cold(iterations, form)
    }
}

/// Probes by power iteration with momentum and by LOBPCG, with either form of the iterates.
pub(crate) fn swift(iterations: u32) -> [ProbeSpec; 4] {
    let [gradients, vectors] = FORMS;
    [
        with_momentum(iterations, gradients),
        with_momentum(iterations, vectors),
        optimal(iterations, gradients),
        optimal(iterations, vectors),
    ]
}

pub(crate) fn probe(trainer: &mut Trainer) -> Vec<ProbeStats> {
    let stats = trainer.probe().unwrap().into_iter();
    stats
        .map(|stats| stats.expect("everything is finite"))
        .collect()
}

/// The statistics of every layer, then those of the network.
pub(crate) fn all(stats: &ProbeStats) -> Vec<LayerStats> {
    stats
        .layers
        .iter()
        .copied()
        .chain([stats.network])
        .collect()
}

pub(crate) fn eigenvalues(stats: &ProbeStats) -> Vec<f64> {
    let eigenvalue = |layer: LayerStats| layer.sharpness.expect("finite").eigenvalue;
    all(stats).into_iter().map(eigenvalue).collect()
}

pub(crate) fn check(what: &str, found: Vec<f64>, wanted: Vec<f64>, tolerance: Tolerance) {
    compare(found, wanted, tolerance).unwrap_or_else(|worst| panic!("{what}: {worst}"));
}

pub(crate) fn numbers(tensors: &[Vec<f32>]) -> Vec<f64> {
    let numbers = tensors.iter().flatten();
    numbers.map(|number| f64::from(*number)).collect()
}

pub(crate) fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(u, v)| u * v).sum()
}
