//! Lion against its formula in float64.

use crate::common::{compare, computes, noise};
use crate::{FIVE_STEPS, NORMS, layers, lion, norm, numbers, probe, with_replicas};
use trainable::network::{Activation, Network};
use trainable::spec::{Optimiser, ReplicaSpec};
use trainable::{Compute, Trainer};

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
