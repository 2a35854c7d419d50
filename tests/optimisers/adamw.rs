//! AdamW against PyTorch, and without weight decay against Adam.

use crate::common::{compare, computes};
use crate::reference::{Layer, activation, read};
use crate::{NORMS, adamw, five_losses, norm, probe, started, with_replicas};
use serde::Deserialize;
use trainable::network::Network;
use trainable::probe::LayerStats;
use trainable::spec::{Optimiser, ReplicaSpec};
use trainable::{Compute, Trainer};

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
    let spec = with_replicas(network, case.batch, replicas);
    started(compute, spec, &case.layers, &case.x, &case.y)
}

#[test]
fn five_updates_by_adamw_equal_pytorch() {
    for (device, compute) in computes() {
        for name in ["relu", "crelu_l2", "tanh", "linear"] {
            let what = format!("{device}, {name}");
            let case: AdamWReference = read(&format!("adamw_{name}"));
            let mut trainer = adamw_trainer(&compute, &case, case.weight_decay);
            assert_eq!(probe(&mut trainer, 1).network.effective_step, None);
            five_losses(&mut trainer, &case.losses, &case.after_5)
                .unwrap_or_else(|worst| panic!("{what}: {worst}"));

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
                five_losses(&mut other, &case.losses, &case.after_5).is_err(),
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
