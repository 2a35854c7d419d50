//! Whole training steps against PyTorch float64 (`assets/reference`), on the CPU executor and on
//! every adapter.

mod common;
#[path = "common/reference.rs"]
mod reference;

use common::{Tolerance, compare, computes};
use reference::{CASES, Layer, SGD_CASES, activation, parameters, read, single};
use serde::Deserialize;
use trainable::network::{Network, Parameters};
use trainable::spec::{Optimiser, ReplicaSpec, TrainingSpec};
use trainable::{Compute, Trainer};

#[derive(Deserialize)]
struct Reference {
    name: String,
    #[serde(flatten)]
    start: Start,
    #[serde(flatten)]
    adam: Adam,
    loss: f64,
    correct: u32,
    gradients: Vec<Layer>,
    losses: Vec<f64>,
    after_5: Vec<Layer>,
}

/// Five updates by SGD with momentum.
#[derive(Deserialize)]
struct SgdReference {
    #[serde(flatten)]
    start: Start,
    momentum: f64,
    losses: Vec<f64>,
    after_5: Vec<Layer>,
}

#[derive(Deserialize)]
struct Adam {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
}

/// The starting point of a case.
#[derive(Deserialize)]
struct Start {
    activation: String,
    widths: Vec<u32>,
    batch: u32,
    l2: f64,
    step_size: f64,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
}

/// The tolerance for float32 against float64 over a few layers.
const ONE_PASS: Tolerance = Tolerance {
    atol: 2e-6,
    rtol: 1e-5,
};
/// The tolerance after five updates of size 1e-2 each.
const FIVE_STEPS: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};

fn step(name: &str) -> Reference {
    read(&format!("step_{name}"))
}

/// Returns a trainer of three replicas, all at the reference's initial point with its batch loaded. With three, the test
/// shows that replicas before and after do not disturb the one in the middle.
fn trainer(compute: &Compute, case: &Reference) -> Trainer {
    let optimiser = Optimiser::Adam {
        beta1: case.adam.beta1 as f32,
        beta2: case.adam.beta2 as f32,
        epsilon: case.adam.epsilon as f32,
    };
    trainer_of(compute, &case.start, optimiser)
}

fn trainer_of(compute: &Compute, case: &Start, optimiser: Optimiser) -> Trainer {
    let replica = ReplicaSpec {
        seed: 1,
        step_size: case.step_size as f32,
        l2: case.l2 as f32,
        optimiser,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::mlp(&case.widths, activation(&case.activation)).unwrap(),
        batch: case.batch,
        replicas: vec![replica; 3],
        stream: None,
        probe: None,
    };
    let mut trainer = Trainer::new(compute, spec).unwrap();
    for replica in [0, 2] {
        trainer
            .write_batch(replica, &single(&case.x), &case.y)
            .unwrap();
    }
    trainer
        .write_parameters(2, &parameters(&case.layers))
        .unwrap();
    trainer
}

fn compare_layers(
    found: &Parameters,
    wanted: &[Layer],
    tolerance: Tolerance,
) -> Result<(), String> {
    assert_eq!(found.len(), 2 * wanted.len());
    let wanted = wanted.iter().flat_map(|layer| [&layer.weight, &layer.bias]);
    for (number, (found, wanted)) in found.iter().zip(wanted).enumerate() {
        let found = found.iter().map(|x| f64::from(*x));
        compare(found, wanted.iter().copied(), tolerance)
            .map_err(|worst| format!("tensor {number}: {worst}"))?;
    }
    Ok(())
}

#[test]
fn a_step_equals_pytorch() {
    for (device, compute) in computes() {
        for name in CASES {
            let case = step(name);
            assert_eq!(case.name, name);
            let context = |worst: String| panic!("{device}, {name}: {worst}");
            let mut trainer = trainer(&compute, &case);
            for update in 0..5 {
                trainer.update(1).unwrap();
                let progress = &trainer.progress().unwrap()[2];
                let loss = f64::from(progress.batch_loss);
                let tolerance = if update == 0 { ONE_PASS } else { FIVE_STEPS };
                compare([loss], [case.losses[update]], tolerance).unwrap_or_else(context);
                if update == 0 {
                    compare([loss], [case.loss], ONE_PASS).unwrap_or_else(context);
                    assert_eq!(progress.batch_correct, case.correct, "{device}, {name}");
                    let gradients = &trainer.gradients().unwrap()[2];
                    compare_layers(gradients, &case.gradients, ONE_PASS).unwrap_or_else(context);
                }
            }
            let parameters = &trainer.parameters().unwrap()[2];
            compare_layers(parameters, &case.after_5, FIVE_STEPS).unwrap_or_else(context);
        }
    }
}

#[test]
fn five_updates_by_sgd_with_momentum_equal_pytorch() {
    for (device, compute) in computes() {
        for name in SGD_CASES {
            let case: SgdReference = read(&format!("sgd_{name}"));
            let run = |momentum: f64| {
                let optimiser = Optimiser::Sgd {
                    momentum: momentum as f32,
                };
                let mut trainer = trainer_of(&compute, &case.start, optimiser);
                let losses: Vec<f64> = (0..5)
                    .map(|_| {
                        trainer.update(1).unwrap();
                        trainer.progress().unwrap()[2].batch_loss.into()
                    })
                    .collect();
                let parameters = trainer.parameters().unwrap().remove(2);
                let wanted = case.losses.iter().copied();
                compare(losses, wanted, FIVE_STEPS)
                    .and_then(|()| compare_layers(&parameters, &case.after_5, FIVE_STEPS))
            };
            run(case.momentum).unwrap_or_else(|worst| panic!("{device}, {name}: {worst}"));
            let other = run(case.momentum + 0.01);
            assert!(other.is_err(), "{device}, {name}: another momentum");
        }
    }
}

#[test]
fn the_comparison_notices_one_wrong_gradient_a_nan_and_a_missing_step() {
    let case = step("crelu_l2");
    let mut trainer = trainer(&Compute::Cpu, &case);
    trainer.update(1).unwrap();
    let gradients = trainer.gradients().unwrap().remove(2);
    compare_layers(&gradients, &case.gradients, ONE_PASS).unwrap();
    let mut corrupt = gradients.clone();
    corrupt[2][3] += 1e-4;
    assert!(compare_layers(&corrupt, &case.gradients, ONE_PASS).is_err());
    let mut corrupt = gradients;
    corrupt[1][0] = f32::NAN;
    assert!(compare_layers(&corrupt, &case.gradients, ONE_PASS).is_err());
    trainer.update(3).unwrap();
    let parameters = trainer.parameters().unwrap().remove(2);
    assert!(compare_layers(&parameters, &case.after_5, FIVE_STEPS).is_err());
}

#[test]
fn the_comparison_notices_another_activation() {
    for (name, other) in [("gelu_l2", "silu"), ("silu", "gelu"), ("fourier", "crelu")] {
        let mut case = step(name);
        case.start.activation = other.to_owned();
        let mut trainer = trainer(&Compute::Cpu, &case);
        trainer.update(1).unwrap();
        let gradients = trainer.gradients().unwrap().remove(2);
        assert!(
            compare_layers(&gradients, &case.gradients, ONE_PASS).is_err(),
            "{name}"
        );
    }
}

/// An independent check without PyTorch: central differences of a float64 forward pass.
#[test]
fn gradients_equal_central_differences_in_float64() {
    for name in CASES {
        let case = step(name);
        let mut trainer = trainer(&Compute::Cpu, &case);
        trainer.update(1).unwrap();
        let gradients = trainer.gradients().unwrap().remove(2);
        for (layer, gradient) in gradients.iter().step_by(2).enumerate() {
            for index in [0, gradient.len() - 1] {
                let difference = central_difference(&case, layer, index);
                let found = f64::from(gradient[index]);
                let tolerance = Tolerance {
                    atol: 2e-6,
                    rtol: 1e-5,
                };
                compare([found], [difference], tolerance)
                    .unwrap_or_else(|worst| panic!("{name}, layer {layer}: {worst}"));
            }
        }
    }
}

fn central_difference(case: &Reference, layer: usize, index: usize) -> f64 {
    let h = 1e-5;
    let at = |delta: f64| {
        let mut weights: Vec<Vec<f64>> =
            case.start.layers.iter().map(|l| l.weight.clone()).collect();
        weights[layer][index] += delta;
        loss(&case.start, &weights)
    };
    (at(h) - at(-h)) / (2.0 * h)
}

/// Returns the mean cross-entropy of the reference's batch, computed directly in float64.
fn loss(case: &Start, weights: &[Vec<f64>]) -> f64 {
    let inputs = case.widths[0] as usize;
    let samples = case.x.chunks(inputs).zip(&case.y);
    let total: f64 = samples
        .map(|(x, y)| {
            let mut a = x.to_vec();
            for (l, weight) in weights.iter().enumerate() {
                let bias = &case.layers[l].bias;
                let z: Vec<f64> = weight
                    .chunks(a.len())
                    .zip(bias)
                    .map(|(row, b)| row.iter().zip(&a).map(|(w, a)| w * a).sum::<f64>() + b)
                    .collect();
                a = if l + 1 < weights.len() {
                    activate(&case.activation, &z)
                } else {
                    z
                };
            }
            let largest = a.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = a.iter().map(|z| (z - largest).exp()).sum();
            sum.ln() + largest - a[*y as usize]
        })
        .sum();
    total / f64::from(case.batch)
}

fn activate(name: &str, z: &[f64]) -> Vec<f64> {
    let each = |f: fn(f64) -> f64| z.iter().map(|z| f(*z)).collect();
    match name {
        "relu" => each(|z| z.max(0.0)),
        "crelu" => z
            .iter()
            .map(|z| z.max(0.0))
            .chain(z.iter().map(|z| (-z).max(0.0)))
            .collect(),
        "leaky_relu" => each(|z| if z > 0.0 { z } else { 0.01 * z }),
        "tanh" => each(f64::tanh),
        "gelu" => each(|z| z * normal_cdf(z)),
        "silu" => each(|z| z / (1.0 + (-z).exp())),
        "fourier" => [each(f64::sin), each(f64::cos)].concat(),
        "identity" => each(|z| z),
        other => panic!("unknown activation {other}"),
    }
}

/// Returns the distribution function of the standard normal distribution, by Simpson's rule from 0 to z.
fn normal_cdf(z: f64) -> f64 {
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let steps = 2_000;
    let at = |i: i32| density(z * f64::from(i) / f64::from(steps));
    let weight = |i: i32| if i % 2 == 0 { 2.0 } else { 4.0 };
    let inner: f64 = (1..steps).map(|i| weight(i) * at(i)).sum();
    0.5 + (at(0) + inner + at(steps)) * z / f64::from(steps) / 3.0
}
