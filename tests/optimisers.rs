//! Optimisers against PyTorch float64 (`assets/reference`) or against their formulas in float64: each alone, and several in
//! one batch of replicas, on the CPU executor and on every adapter. (`reference.rs` tests Adam and SGD, `curvature.rs` their
//! effective steps.)

#[path = "optimisers/adamw.rs"]
mod adamw;
mod common;
#[path = "optimisers/lion.rs"]
mod lion;
#[path = "optimisers/others.rs"]
mod others;
#[path = "common/reference.rs"]
mod reference;
#[path = "optimisers/upgd.rs"]
mod upgd;

use common::{Tolerance, compare, computes, noise};
use reference::{Layer, flat, parameters, single};
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::{ProbeSpec, ProbeStats};
use trainable::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
};
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

/// Returns a trainer with every replica at these parameters and on this minibatch.
fn started(
    compute: &Compute,
    spec: TrainingSpec,
    layers: &[Layer],
    x: &[f64],
    y: &[u32],
) -> Trainer {
    let replicas = spec.replicas.len();
    let mut trainer = Trainer::new(compute, spec).unwrap();
    for replica in 0..replicas {
        let start = parameters(layers);
        trainer.write_parameters(replica, &start).unwrap();
        trainer.write_batch(replica, &single(x), y).unwrap();
    }
    trainer
}

/// Makes an update for each of `losses`, and compares the losses and then the parameters of replica 1.
fn five_losses(trainer: &mut Trainer, losses: &[f64], after: &[Layer]) -> Result<(), String> {
    for wanted in losses {
        trainer.update(1).unwrap();
        let loss = trainer.progress().unwrap()[1].batch_loss;
        compare([loss.into()], [*wanted], FIVE_STEPS)?;
    }
    let found = numbers(&trainer.parameters().unwrap()[1]);
    compare(found, flat(after), FIVE_STEPS)
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
    // There is no count of updates that relative time could start anew.
    for optimiser in every_optimiser() {
        let is_refused = ["sgd", "lion"].contains(&optimiser.name());
        let mut spec = stream(&[optimiser]);
        spec.replicas[0].at_task_switch = TaskSwitch::RelativeTime;
        assert_eq!(spec.check().is_err(), is_refused, "{}", optimiser.name());
    }
}
