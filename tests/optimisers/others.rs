//! AMSGrad, clipped gradients and adam-max against PyTorch, or against the formula in float64.

use crate::common::{compare, computes, noise};
use crate::reference::{Layer, activation, read};
use crate::{
    FIVE_STEPS, NORMS, adam_max, amsgrad, five_losses, layers, numbers, probe, started,
    with_replicas,
};
use serde::Deserialize;
use trainable::network::{Activation, Network};
use trainable::probe::LayerStats;
use trainable::spec::{Optimiser, ReplicaSpec};
use trainable::{Compute, Trainer};

/// Five updates made by PyTorch: by AMSGrad, or by Adam with clipped gradients.
#[derive(Deserialize)]
struct OtherReference {
    activation: String,
    widths: Vec<u32>,
    batch: u32,
    l2: f64,
    step_size: f64,
    beta1: f64,
    beta2: f64,
    gradient_clipping: Option<f32>,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
    losses: Vec<f64>,
    after_5: Vec<Layer>,
    effective_step: Option<Vec<f64>>,
    update_norm: Option<Vec<f64>>,
}

/// Makes the five updates with Adam in replica 0 and `optimiser` in replica 1, and compares them.
fn five_updates(
    compute: &Compute,
    case: &OtherReference,
    optimiser: Optimiser,
    gradient_clipping: Option<f32>,
) -> Result<(), String> {
    let replica = |optimiser, gradient_clipping| ReplicaSpec {
        step_size: case.step_size as f32,
        l2: case.l2 as f32,
        optimiser,
        gradient_clipping,
        ..ReplicaSpec::default()
    };
    let network = Network::mlp(&case.widths, activation(&case.activation)).unwrap();
    let replicas = vec![
        replica(Optimiser::default(), None),
        replica(optimiser, gradient_clipping),
    ];
    let spec = with_replicas(network, case.batch, replicas);
    let mut trainer = started(compute, spec, &case.layers, &case.x, &case.y);
    five_losses(&mut trainer, &case.losses, &case.after_5)?;
    let stats = probe(&mut trainer, 1);
    let found = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect::<Vec<_>>();
    if let Some(steps) = &case.effective_step {
        let found = found(|layer| layer.effective_step.unwrap());
        compare(found, steps.iter().copied(), NORMS)?;
    }
    if let Some(norms) = &case.update_norm {
        compare(
            found(|layer| layer.update_norm),
            norms.iter().copied(),
            NORMS,
        )?;
    }
    Ok(())
}

#[test]
fn five_updates_by_amsgrad_equal_pytorch() {
    for (device, compute) in computes() {
        for name in ["relu_l2", "crelu_l2", "tanh", "linear"] {
            let case: OtherReference = read(&format!("amsgrad_{name}"));
            let optimiser = amsgrad(case.beta1, case.beta2);
            five_updates(&compute, &case, optimiser, None)
                .unwrap_or_else(|worst| panic!("{device}, {name}: {worst}"));
            let adam = Optimiser::Adam {
                beta1: case.beta1 as f32,
                beta2: case.beta2 as f32,
                epsilon: 1e-8,
            };
            let differs = five_updates(&compute, &case, adam, None);
            assert!(differs.is_err(), "{device}, {name}: Adam");
        }
    }
}

#[test]
fn five_updates_with_clipped_gradients_equal_pytorch() {
    for (device, compute) in computes() {
        for name in ["relu_l2", "crelu_l2", "tanh"] {
            let case: OtherReference = read(&format!("clip_{name}"));
            let limit = case.gradient_clipping.unwrap();
            five_updates(&compute, &case, Optimiser::default(), Some(limit))
                .unwrap_or_else(|worst| panic!("{device}, {name}: {worst}"));
            for other in [None, Some(0.8 * limit)] {
                let differs = five_updates(&compute, &case, Optimiser::default(), other);
                assert!(differs.is_err(), "{device}, {name}: {other:?}");
            }
        }
    }
}

/// Makes eight updates by Adam with the larger of two second moments, from the gradients that the device computed, and
/// compares parameters and effective steps with the formula in float64. The labels change after four updates.
fn eight_updates_by_adam_max(
    compute: &Compute,
    seed: u32,
    [found, wanted]: [f64; 2],
) -> Result<(), String> {
    let network = Network::mlp(&[6, 8, 5, 3], Activation::Tanh).unwrap();
    let replica = ReplicaSpec {
        seed,
        step_size: 1e-2,
        optimiser: adam_max(found),
        ..ReplicaSpec::default()
    };
    let mut trainer = Trainer::new(compute, with_replicas(network, 9, vec![replica])).unwrap();
    let mut theta = numbers(&trainer.parameters().unwrap()[0]);
    let mut moments = vec![[0.0; 3]; theta.len()];
    let betas = [0.9_f32, 0.99, wanted as f32].map(f64::from);
    for t in 1..9 {
        let task = u32::from(t > 4);
        let labels: Vec<u32> = (0..9).map(|i| (i * 7 + seed + task) % 3).collect();
        let inputs = noise(seed + 100, 9 * 6);
        trainer.write_batch(0, &inputs, &labels).unwrap();
        trainer.update(1).unwrap();
        let gradient = numbers(&trainer.gradients().unwrap()[0]);
        let mut divisors = Vec::new();
        for ((theta, moments), g) in theta.iter_mut().zip(&mut moments).zip(&gradient) {
            for ((moment, beta), power) in moments.iter_mut().zip(betas).zip([1, 2, 2]) {
                *moment = beta * *moment + (1.0 - beta) * g.powi(power);
            }
            let hat = |k: usize| moments[k] / (1.0 - betas[k].powi(t));
            let divisor = hat(1).max(hat(2));
            *theta -= 1e-2_f32 as f64 * hat(0) / (divisor.sqrt() + 1e-8);
            divisors.push(divisor);
        }
        let parameters = numbers(&trainer.parameters().unwrap()[0]);
        compare(parameters, theta.iter().copied(), FIVE_STEPS)?;
        let stats = probe(&mut trainer, 0);
        let steps = stats.layers.iter();
        let steps = steps.map(|layer| layer.effective_step.unwrap());
        let by_formula = layers(&trainer, &divisors)
            .into_iter()
            .map(|(own, weights)| {
                let mean = own[..weights].iter().sum::<f64>() / weights as f64;
                1e-2_f32 as f64 / ((1.0 - betas[0].powi(t)) * (mean.sqrt() + 1e-8))
            });
        compare(steps, by_formula, NORMS)?;
    }
    Ok(())
}

#[test]
fn updates_by_adam_max_equal_its_formula_in_float64() {
    for (device, compute) in computes() {
        for seed in 1..4 {
            for fast_beta2 in [0.0, 0.5, 0.9] {
                eight_updates_by_adam_max(&compute, seed, [fast_beta2; 2])
                    .unwrap_or_else(|worst| panic!("{device}, seed {seed}, {fast_beta2}: {worst}"));
            }
            let other = eight_updates_by_adam_max(&compute, seed, [0.5, 0.7]);
            assert!(other.is_err(), "{device}, seed {seed}: another decay");
        }
    }
}
