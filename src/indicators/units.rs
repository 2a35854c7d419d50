//! Indicators of the units of a hidden layer.

use super::pass::Samples;
use super::rank::entropy_term;
use super::{DORMANT_SHARE, UnitIndicators};
use crate::network::Activation;

/// Computes the indicators of the units of one hidden layer from its activations; for Fourier features, from its
/// pre-activations.
pub(super) fn units(activation: Activation, samples: &Samples<'_>, batch: usize) -> UnitIndicators {
    let units: Vec<Vec<f64>> = (0..samples.width)
        .map(|unit| samples.unit(batch, unit))
        .collect();
    let magnitude = |unit: &Vec<f64>| mean(unit.iter().map(|h| h.abs()));
    let magnitudes: Vec<f64> = units.iter().map(magnitude).collect();
    let threshold = DORMANT_SHARE * mean(magnitudes.iter().copied());
    let is_dead = |unit: &Vec<f64>| {
        let stuck_at = match activation {
            Activation::Relu | Activation::Crelu => 0.0,
            _ => unit[0],
        };
        unit.iter().all(|h| *h == stuck_at)
    };
    let is_dormant = |magnitude: &f64| activation != Activation::Fourier && *magnitude <= threshold;
    UnitIndicators {
        dead: mean(units.iter().map(|unit| f64::from(is_dead(unit)))),
        dormant: mean(magnitudes.iter().map(|m| f64::from(is_dormant(m)))),
        sign_entropy: mean(units.iter().map(|unit| sign_entropy(unit))),
    }
}

/// Computes the entropy of the sign of a unit, in nats.
fn sign_entropy(unit: &[f64]) -> f64 {
    let positive = mean(unit.iter().map(|h| f64::from(*h > 0.0)));
    entropy_term(positive) + entropy_term(1.0 - positive)
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
