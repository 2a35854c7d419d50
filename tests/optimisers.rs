//! Optimisers against PyTorch float64 (`assets/reference`) or against their formulas in float64: each alone, and several in
//! one batch of replicas, on the CPU executor and on every adapter. (`reference.rs` tests Adam and SGD, `curvature.rs` their
//! effective steps.)

mod common;
#[path = "common/reference.rs"]
mod reference;
#[path = "optimisers/upgd.rs"]
mod upgd;

use common::{Tolerance, compare, computes, noise};
use reference::{Layer, activation, flat, parameters, read, single};
use serde::Deserialize;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::{LayerStats, ProbeSpec, ProbeStats};
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Halt, HaltCause, Trainer};

/// The distance allowed after five updates in float32.
const FIVE_STEPS: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};
/// The distance allowed between norms of updates, which are recomputed in float32.
const NORMS: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 2e-4,
};

fn adamw(weight_decay: f64) -> Optimiser {
    Optimiser::AdamW {
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: weight_decay as f32,
    }
}

fn lion(weight_decay: f64) -> Optimiser {
    Optimiser::Lion {
        beta1: 0.9,
        beta2: 0.99,
        weight_decay: weight_decay as f32,
    }
}

fn amsgrad(beta1: f64, beta2: f64) -> Optimiser {
    Optimiser::AmsGrad {
        beta1: beta1 as f32,
        beta2: beta2 as f32,
        epsilon: 1e-8,
    }
}

fn adam_max(fast_beta2: f64) -> Optimiser {
    Optimiser::AdamMax {
        beta1: 0.9,
        beta2: 0.99,
        fast_beta2: fast_beta2 as f32,
        epsilon: 1e-8,
    }
}

/// Adam by another name: `matrices` has tests of its step towards isometry.
fn adam_o() -> Optimiser {
    Optimiser::AdamO {
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        isometry: 0.0,
    }
}

/// Returns one optimiser of each kind, with weight decays large enough to matter.
fn every_optimiser() -> Vec<Optimiser> {
    vec![
        Optimiser::default(),
        Optimiser::Sgd { momentum: 0.9 },
        adamw(0.5),
        lion(0.5),
        amsgrad(0.9, 0.9),
        adam_max(0.5),
        adam_o(),
    ]
}

fn numbers(tensors: &[Vec<f32>]) -> Vec<f64> {
    tensors.iter().flatten().copied().map(f64::from).collect()
}

fn probe(trainer: &mut Trainer, replica: usize) -> ProbeStats {
    trainer.probe().unwrap().remove(replica).unwrap()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn with_replicas(network: Network, batch: u32, replicas: Vec<ReplicaSpec>) -> TrainingSpec {
    TrainingSpec {
        network,
        batch,
        replicas,
        stream: None,
        probe: Some(ProbeSpec {
            iterations: 1,
            ..ProbeSpec::default()
        }),
    }
}

/// Five AdamW updates made by PyTorch.
#[derive(Deserialize)]
struct AdamWReference {
    activation: String,
    widths: Vec<u32>,
    batch: u32,
    l2: f64,
    step_size: f64,
    weight_decay: f64,
    x: Vec<f64>,
    y: Vec<u32>,
    layers: Vec<Layer>,
    losses: Vec<f64>,
    after_5: Vec<Layer>,
    effective_step: Vec<f64>,
    update_norm: Vec<f64>,
}

/// Returns a trainer with two replicas at the reference's point: Adam in replica 0, AdamW in replica 1.
fn adamw_trainer(compute: &Compute, case: &AdamWReference, weight_decay: f64) -> Trainer {
    let replica = |optimiser| ReplicaSpec {
        step_size: case.step_size as f32,
        l2: case.l2 as f32,
        optimiser,
        ..ReplicaSpec::default()
    };
    let network = Network::mlp(&case.widths, activation(&case.activation)).unwrap();
    let replicas = vec![replica(Optimiser::default()), replica(adamw(weight_decay))];
    let mut trainer = Trainer::new(compute, with_replicas(network, case.batch, replicas)).unwrap();
    for replica in 0..2 {
        let start = parameters(&case.layers);
        trainer.write_parameters(replica, &start).unwrap();
        let inputs = single(&case.x);
        trainer.write_batch(replica, &inputs, &case.y).unwrap();
    }
    trainer
}

fn after_five(trainer: &mut Trainer, case: &AdamWReference) -> Result<(), String> {
    for wanted in &case.losses {
        trainer.update(1).unwrap();
        let loss = trainer.progress().unwrap()[1].batch_loss;
        compare([loss.into()], [*wanted], FIVE_STEPS)?;
    }
    let found = numbers(&trainer.parameters().unwrap()[1]);
    compare(found, flat(&case.after_5), FIVE_STEPS)
}

#[test]
fn five_updates_by_adamw_equal_pytorch() {
    for (device, compute) in computes() {
        for name in ["relu", "crelu_l2", "tanh", "linear"] {
            let what = format!("{device}, {name}");
            let case: AdamWReference = read(&format!("adamw_{name}"));
            let mut trainer = adamw_trainer(&compute, &case, case.weight_decay);
            assert_eq!(probe(&mut trainer, 1).network.effective_step, None);
            after_five(&mut trainer, &case).unwrap_or_else(|worst| panic!("{what}: {worst}"));

            let stats = probe(&mut trainer, 1);
            let found = |f: fn(&LayerStats) -> f64| stats.layers.iter().map(f).collect::<Vec<_>>();
            let steps = found(|layer| layer.effective_step.unwrap());
            compare(steps, case.effective_step.iter().copied(), NORMS)
                .unwrap_or_else(|worst| panic!("effective step, {what}: {worst}"));
            let norms = [
                found(|layer| layer.update_norm),
                vec![stats.network.update_norm],
            ];
            let wanted = [&case.update_norm[..], &[norm(&case.update_norm)]].concat();
            compare(norms.concat(), wanted, NORMS)
                .unwrap_or_else(|worst| panic!("update norm, {what}: {worst}"));

            let mut other = adamw_trainer(&compute, &case, case.weight_decay + 0.5);
            assert!(
                after_five(&mut other, &case).is_err(),
                "{what}: another decay"
            );
        }
    }
}

#[test]
fn without_weight_decay_adamw_is_adam_to_the_bit() {
    for (device, compute) in computes() {
        let case: AdamWReference = read("adamw_crelu_l2");
        let mut trainer = adamw_trainer(&compute, &case, 0.0);
        trainer.update(5).unwrap();
        let parameters = trainer.parameters().unwrap();
        assert!(parameters[0] == parameters[1], "{device}");
        let stats = trainer.probe().unwrap();
        assert_eq!(stats[0], stats[1], "{device}");

        let mut trainer = adamw_trainer(&compute, &case, 0.01);
        trainer.update(5).unwrap();
        let parameters = trainer.parameters().unwrap();
        assert!(
            parameters[0] != parameters[1],
            "{device}: decay changes them"
        );
    }
}

/// Lion in float64, from its formula.
struct LionInDouble {
    theta: Vec<f64>,
    momentum: Vec<f64>,
    weight_decay: f64,
}

impl LionInDouble {
    const STEP_SIZE: f64 = 1e-2;

    /// Updates the parameters and returns the interpolation c.
    fn step(&mut self, gradient: &[f64]) -> Vec<f64> {
        let values = self.theta.iter_mut().zip(&mut self.momentum).zip(gradient);
        let one = |((theta, m), g): ((&mut f64, &mut f64), &f64)| {
            let c = 0.9 * *m + 0.1 * g;
            let sign = if c == 0.0 { 0.0 } else { c.signum() };
            *theta -= Self::STEP_SIZE * (sign + self.weight_decay * *theta);
            *m = 0.99 * *m + 0.01 * g;
            c
        };
        values.map(one).collect()
    }
}

/// Returns a trainer with Adam in replica 0, followed by Lion. Two units of Lion's first layer are dead, so their gradients
/// are exactly 0.
fn lion_trainer(compute: &Compute, seed: u32, weight_decay: f64) -> Trainer {
    let network = Network::mlp(&[6, 8, 5, 3], Activation::Relu).unwrap();
    let replica = |optimiser| ReplicaSpec {
        seed,
        step_size: LionInDouble::STEP_SIZE as f32,
        optimiser,
        ..ReplicaSpec::default()
    };
    let replicas = vec![replica(Optimiser::default()), replica(lion(weight_decay))];
    let mut trainer = Trainer::new(compute, with_replicas(network, 9, replicas)).unwrap();
    let mut parameters = trainer.parameters().unwrap().remove(1);
    parameters[1][..2].fill(-20.0);
    trainer.write_parameters(1, &parameters).unwrap();
    for replica in 0..2 {
        let labels: Vec<u32> = (0..9).map(|i| (i * 7 + seed) % 3).collect();
        let inputs = noise(seed + 100, 9 * 6);
        trainer.write_batch(replica, &inputs, &labels).unwrap();
    }
    trainer
}

/// Splits `values` by layer. Each layer has its weights, then its biases; the second number of a pair counts the weights.
fn layers<'a>(trainer: &Trainer, mut values: &'a [f64]) -> Vec<(&'a [f64], usize)> {
    let layers = trainer.spec().network.tensors().chunks(2);
    let each = layers.map(|layer| {
        let weights = layer[0].count();
        let (own, others) = values.split_at(weights + layer[1].count());
        values = others;
        (own, weights)
    });
    each.collect()
}

/// Makes five Lion updates from the gradients that the device computed, and compares effective steps and norms.
fn five_updates_by_lion(compute: &Compute, seed: u32, decays: [f64; 2]) -> Result<(), String> {
    let [found, wanted] = decays;
    let mut trainer = lion_trainer(compute, seed, found);
    let theta = numbers(&trainer.parameters().unwrap()[1]);
    let mut double = LionInDouble {
        momentum: vec![0.0; theta.len()],
        theta,
        weight_decay: wanted,
    };
    for _ in 0..5 {
        trainer.update(1).unwrap();
        let gradient = numbers(&trainer.gradients().unwrap()[1]);
        let zeros = gradient.iter().filter(|g| **g == 0.0).count();
        assert!(zeros >= 2 * 7, "dead units have no gradient");
        let before = double.theta.clone();
        let c = double.step(&gradient);
        let parameters = numbers(&trainer.parameters().unwrap()[1]);
        compare(parameters, double.theta.iter().copied(), FIVE_STEPS)?;

        let stats = probe(&mut trainer, 1);
        let steps = stats
            .layers
            .iter()
            .map(|layer| layer.effective_step.unwrap());
        let by_formula = layers(&trainer, &c).into_iter().map(|(c, weights)| {
            LionInDouble::STEP_SIZE * (weights as f64).sqrt() / norm(&c[..weights])
        });
        compare(steps, by_formula, NORMS)?;
        let update: Vec<_> = before
            .iter()
            .zip(&double.theta)
            .map(|(b, a)| b - a)
            .collect();
        let norms = layers(&trainer, &update)
            .into_iter()
            .map(|(update, _)| norm(update));
        let found = stats.layers.iter().chain([&stats.network]);
        let found = found.map(|layer| layer.update_norm);
        compare(found, norms.chain([norm(&update)]), NORMS)?;
    }
    Ok(())
}

#[test]
fn five_updates_by_lion_equal_its_formula_in_float64() {
    for (device, compute) in computes() {
        for seed in 1..4 {
            for decay in [0.0, 0.5] {
                five_updates_by_lion(&compute, seed, [decay; 2])
                    .unwrap_or_else(|worst| panic!("{device}, seed {seed}, {decay}: {worst}"));
            }
            let other = five_updates_by_lion(&compute, seed, [0.5, 0.7]);
            assert!(other.is_err(), "{device}, seed {seed}: another decay");
        }
    }
}

#[test]
fn where_no_parameter_moves_the_effective_step_of_lion_is_zero() {
    for (device, compute) in computes() {
        let network = Network::mlp(&[4, 2], Activation::Identity).unwrap();
        let replica = ReplicaSpec {
            optimiser: lion(0.0),
            ..ReplicaSpec::default()
        };
        let mut trainer = Trainer::new(&compute, with_replicas(network, 2, vec![replica])).unwrap();
        // Inputs of zero leave the weights without a gradient. Opposite labels leave the biases without one.
        trainer.write_batch(0, &[0.0; 8], &[0, 1]).unwrap();
        trainer.update(1).unwrap();
        let stats = probe(&mut trainer, 0).network;
        assert_eq!(stats.effective_step, Some(0.0), "{device}");
        assert_eq!(stats.update_norm, 0.0, "{device}");
    }
}

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
    let mut trainer = Trainer::new(compute, with_replicas(network, case.batch, replicas)).unwrap();
    for replica in 0..2 {
        let start = parameters(&case.layers);
        trainer.write_parameters(replica, &start).unwrap();
        let inputs = single(&case.x);
        trainer.write_batch(replica, &inputs, &case.y).unwrap();
    }
    for wanted in &case.losses {
        trainer.update(1).unwrap();
        let loss = trainer.progress().unwrap()[1].batch_loss;
        compare([loss.into()], [*wanted], FIVE_STEPS)?;
    }
    let found = numbers(&trainer.parameters().unwrap()[1]);
    compare(found, flat(&case.after_5), FIVE_STEPS)?;
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

/// Returns replicas of every optimiser on a stream with six steps a task.
fn stream(optimisers: &[Optimiser]) -> TrainingSpec {
    let pixels = 30;
    let byte = |x: &f32| (x * 127.0 + 128.0) as u8;
    let bytes: Vec<u8> = noise(4, 100 * pixels).iter().map(byte).collect();
    let replica = |(seed, optimiser): (u32, &Optimiser)| ReplicaSpec {
        seed,
        step_size: 1e-2,
        l2: 1e-3,
        optimiser: *optimiser,
        ..ReplicaSpec::default()
    };
    let network = Network::mlp(&[pixels as u32, 19, 11, 5], Activation::Relu).unwrap();
    let replicas = (1..).zip(optimisers).map(replica).collect();
    TrainingSpec {
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        ..with_replicas(network, 7, replicas)
    }
}

/// The dispatches for three layers: the minibatch, 3 forward products, the loss, 3 of backward products, the optimisers,
/// and the end of the step.
#[test]
fn a_step_is_nine_dispatches_for_any_mixture_of_optimisers() {
    let step = |optimisers: &[Optimiser]| {
        let plan = Program::new(&stream(optimisers))
            .unwrap()
            .steps
            .unwrap()
            .step;
        let names = plan.dispatches.iter().map(|dispatch| dispatch.kernel.name);
        names.collect::<Vec<_>>()
    };
    let wanted = [
        "batch_gather",
        "linear_forward",
        "linear_forward",
        "linear_forward",
        "softmax_cross_entropy",
        "linear_backward",
        "linear_backward",
        "linear_backward_weights",
        "optimiser_step",
    ];
    assert_eq!(step(&every_optimiser()), wanted);
    for optimiser in every_optimiser() {
        assert_eq!(step(&[optimiser]), wanted);
    }
}

#[test]
fn together_optimisers_have_the_bits_that_each_has_alone() {
    let spec = stream(&every_optimiser());
    for (device, compute) in computes() {
        let mut together = Trainer::new(&compute, spec.clone()).unwrap();
        together.train(9).unwrap();
        let parameters = together.parameters().unwrap();
        let stats = together.probe().unwrap();
        for (r, replica) in spec.replicas.iter().enumerate() {
            let spec = TrainingSpec {
                replicas: vec![replica.clone()],
                ..spec.clone()
            };
            let mut alone = Trainer::new(&compute, spec).unwrap();
            alone.train(9).unwrap();
            let name = replica.optimiser.name();
            let same = alone.parameters().unwrap()[0] == parameters[r];
            assert!(same, "{device}: {name}");
            assert_eq!(alone.probe().unwrap()[0], stats[r], "{device}: {name}");
        }
    }
}

#[test]
fn a_snapshot_holds_what_every_optimiser_keeps() {
    for (device, compute) in computes() {
        let mut whole = Trainer::new(&compute, stream(&every_optimiser())).unwrap();
        whole.train(4).unwrap();
        let snapshot = whole.snapshot().unwrap();
        let mut resumed = Trainer::new(&compute, stream(&every_optimiser())).unwrap();
        resumed.restore(&snapshot).unwrap();
        assert_eq!(whole.probe().unwrap(), resumed.probe().unwrap(), "{device}");
        whole.train(5).unwrap();
        resumed.train(5).unwrap();
        assert!(
            whole.snapshot().unwrap() == resumed.snapshot().unwrap(),
            "{device}"
        );
        assert!(
            whole.snapshot().unwrap() != snapshot,
            "{device}: it trained"
        );
    }
}

/// With inputs of zero the loss stays finite, while the L2 term of a large weight overflows.
#[test]
fn every_optimiser_halts_a_replica_whose_moments_overflow() {
    let halt = Halt {
        task: 0,
        update: 0,
        cause: HaltCause::Update,
    };
    for (device, compute) in computes() {
        let replica = |optimiser| ReplicaSpec {
            l2: 1e30,
            optimiser,
            ..ReplicaSpec::default()
        };
        let mut optimisers = every_optimiser();
        optimisers.push(upgd::upgd(upgd::SETTING));
        let replicas = optimisers.iter().copied().map(replica).collect();
        let network = Network::mlp(&[4, 2], Activation::Identity).unwrap();
        let mut trainer = Trainer::new(&compute, with_replicas(network, 2, replicas)).unwrap();
        for replica in 0..optimisers.len() {
            let weight = vec![0.0, 0.0, 0.0, 1e20, 0.0, 0.0, 0.0, 0.0];
            let parameters = [weight, vec![0.0; 2]];
            trainer.write_parameters(replica, &parameters).unwrap();
            trainer.write_batch(replica, &[0.0; 8], &[0, 0]).unwrap();
        }
        trainer.update(2).unwrap();
        let progress = trainer.progress().unwrap();
        for (optimiser, progress) in optimisers.iter().zip(progress) {
            assert_eq!(progress.halted, Some(halt), "{device}: {optimiser:?}");
        }
    }
}

#[test]
fn hyperparameters_outside_their_range_are_refused() {
    let refusal = |optimiser| stream(&[optimiser]).check().unwrap_err().to_string();
    for (weight_decay, found) in [(-0.5, "-0.5"), (f64::INFINITY, "inf"), (f64::NAN, "NaN")] {
        let wanted = format!("weight_decay: wanted 0 or more, finite, found {found}");
        for optimiser in [adamw(weight_decay), lion(weight_decay)] {
            let error = refusal(optimiser);
            assert!(error.contains(&wanted), "{error}");
        }
    }
    let error = refusal(Optimiser::Lion {
        beta1: 0.9,
        beta2: 1.0,
        weight_decay: 0.0,
    });
    let wanted = "beta2: wanted 0 or more, below 1, found 1";
    assert!(error.contains(wanted), "{error}");
}
