//! Clipping of updates and of gradients: against its formulas in float64, with each optimiser, on the CPU executor and on
//! every adapter. (`optimisers.rs` compares gradient clipping with PyTorch.)

mod common;
#[path = "clipping/in_double.rs"]
mod in_double;

use common::{Tolerance, computes, noise};
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::ProbeSpec;
use trainable::spec::{
    ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TaskSwitch, TrainingSpec,
    UpdateClipping,
};
use trainable::{Compute, Halt, HaltCause, Trainer};

/// The distance allowed after eight updates in float32.
const EIGHT_STEPS: Tolerance = Tolerance {
    atol: 2e-5,
    rtol: 2e-5,
};
/// The distance allowed between ratios, which are roots of sums in float32.
const RATIOS: Tolerance = Tolerance {
    atol: 1e-6,
    rtol: 2e-4,
};
const STEP_SIZE: f64 = 1e-2;
const L2: f64 = 1e-2;

fn every_optimiser() -> [Optimiser; 6] {
    [
        Optimiser::Adam {
            beta1: 0.9,
            beta2: 0.99,
            epsilon: 1e-8,
        },
        Optimiser::Sgd { momentum: 0.9 },
        Optimiser::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.5,
        },
        Optimiser::Lion {
            beta1: 0.9,
            beta2: 0.99,
            weight_decay: 0.5,
        },
        Optimiser::AmsGrad {
            beta1: 0.9,
            beta2: 0.9,
            epsilon: 1e-8,
        },
        Optimiser::AdamMax {
            beta1: 0.9,
            beta2: 0.99,
            fast_beta2: 0.5,
            epsilon: 1e-8,
        },
    ]
}

const CLIPPING: UpdateClipping = UpdateClipping {
    threshold: 1.1,
    hold: 0.9,
    decay: None,
};

fn replica(seed: u32, optimiser: Optimiser) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: STEP_SIZE as f32,
        l2: L2 as f32,
        optimiser,
        ..ReplicaSpec::default()
    }
}

/// Replicas on a stream with six steps a task.
fn stream(replicas: Vec<ReplicaSpec>, probe: Option<ProbeSpec>) -> TrainingSpec {
    let pixels = 30;
    let byte = |x: &f32| (x * 127.0 + 128.0) as u8;
    let bytes: Vec<u8> = noise(4, 100 * pixels).iter().map(byte).collect();
    TrainingSpec {
        network: Network::mlp(&[pixels as u32, 19, 11, 5], Activation::Relu).unwrap(),
        batch: 7,
        replicas,
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe,
    }
}

fn probed() -> Option<ProbeSpec> {
    Some(ProbeSpec {
        iterations: 1,
        ..ProbeSpec::default()
    })
}

fn with_clipping(threshold: f32, limit: Option<f32>) -> Vec<ReplicaSpec> {
    let each = (1..)
        .zip(every_optimiser())
        .map(|(seed, optimiser)| ReplicaSpec {
            update_clipping: Some(UpdateClipping {
                threshold,
                ..CLIPPING
            }),
            gradient_clipping: limit,
            ..replica(seed, optimiser)
        });
    each.collect()
}

fn without_clipping() -> Vec<ReplicaSpec> {
    let each = (1..).zip(every_optimiser());
    each.map(|(seed, optimiser)| replica(seed, optimiser))
        .collect()
}

fn trained(compute: &Compute, spec: TrainingSpec, steps: u32) -> Trainer {
    let mut trainer = Trainer::new(compute, spec).unwrap();
    trainer.train(steps).unwrap();
    trainer
}

#[test]
fn limits_that_nothing_reaches_leave_every_bit() {
    for (device, compute) in computes() {
        let parameters = |replicas| {
            let mut trainer = trained(&compute, stream(replicas, None), 15);
            trainer.parameters().unwrap()
        };
        let plain = parameters(without_clipping());
        assert!(
            parameters(with_clipping(1e30, Some(1e30))) == plain,
            "{device}"
        );
        for (own, plain) in parameters(with_clipping(0.5, None)).iter().zip(&plain) {
            assert!(own != plain, "{device}: the threshold matters");
        }
    }
}

#[test]
fn clipping_needs_no_probes() {
    for (device, compute) in computes() {
        let parameters = |probe| {
            let spec = stream(with_clipping(1.25, Some(0.5)), probe);
            trained(&compute, spec, 15).parameters().unwrap()
        };
        let without_probes = parameters(None);
        assert!(parameters(probed()) == without_probes, "{device}");
        let mut plain = trained(&compute, stream(without_clipping(), None), 15);
        assert!(plain.parameters().unwrap() != without_probes, "{device}");
    }
}

#[test]
fn clipping_costs_one_dispatch_where_a_replica_clips() {
    let names = |replicas| {
        let program = Program::new(&stream(replicas, probed())).unwrap();
        let steps = program.steps.unwrap();
        let probed = steps.probed_step.unwrap();
        [steps.step, probed].map(|plan| {
            let names = plan.dispatches.iter().map(|dispatch| dispatch.kernel.name);
            names.collect::<Vec<_>>()
        })
    };
    let plain = names(without_clipping());
    let mut one = without_clipping();
    one[2].gradient_clipping = Some(1.0);
    for clipped in [names(with_clipping(2.0, None)), names(one)] {
        for (clipped, plain) in clipped.into_iter().zip(&plain) {
            let mut wanted = plain.clone();
            wanted.insert(plain.len() - 1, "gradient_squares");
            assert_eq!(clipped, wanted);
        }
    }
}

/// The ratios of every layer of every replica.
fn ratios(trainer: &mut Trainer) -> Vec<Option<f64>> {
    let stats = trainer.probe().unwrap().into_iter().map(Result::unwrap);
    let layers = stats.flat_map(|stats| stats.layers);
    layers.map(|layer| layer.clip_ratio).collect()
}

#[test]
fn a_reset_of_the_moments_resets_the_state() {
    for (device, compute) in computes() {
        for (at_task_switch, is_reset) in [
            (TaskSwitch::ResetOptimiser, true),
            (TaskSwitch::FreshNetwork, true),
            (TaskSwitch::Carry, false),
        ] {
            let with = |replica| ReplicaSpec {
                at_task_switch,
                ..replica
            };
            let replicas = with_clipping(1.25, None).into_iter().map(with).collect();
            let mut trainer = trained(&compute, stream(replicas, probed()), 6);
            let at_switch = ratios(&mut trainer);
            trainer.train(1).unwrap();
            let first = ratios(&mut trainer);
            let is_one = |ratio: &Option<f64>| *ratio == Some(1.0);
            if is_reset {
                assert!(at_switch.iter().all(Option::is_none), "{device}");
                assert!(first.iter().all(is_one), "{device}: {first:?}");
            } else {
                assert!(at_switch.iter().all(Option::is_some), "{device}");
                assert!(!first.iter().all(is_one), "{device}: {first:?}");
            }
        }
    }
}

#[test]
fn new_step_sizes_leave_the_state() {
    for (device, compute) in computes() {
        let spec = stream(with_clipping(1.25, None), probed());
        let mut trainer = trained(&compute, spec, 5);
        let before = ratios(&mut trainer);
        trainer.set_step_sizes(1, &[1e-3, 2e-3, 3e-3]).unwrap();
        let stats = trainer.probe().unwrap().remove(1).unwrap();
        let step_sizes: Vec<_> = stats
            .layers
            .iter()
            .map(|layer| layer.step_size as f32)
            .collect();
        assert_eq!(step_sizes, [1e-3, 2e-3, 3e-3], "{device}");
        assert_eq!(ratios(&mut trainer), before, "{device}");
    }
}

/// With inputs of zero the loss stays finite, while the square of the L2 term overflows. Momentum SGD's update would be
/// finite.
#[test]
fn a_replica_whose_squared_gradient_overflows_is_halted() {
    let halt = Halt {
        task: 0,
        update: 0,
        cause: HaltCause::Update,
    };
    for (device, compute) in computes() {
        let plain = ReplicaSpec {
            step_size: 1e-30,
            l2: 1.0,
            optimiser: Optimiser::Sgd { momentum: 0.9 },
            ..ReplicaSpec::default()
        };
        let replicas = vec![
            plain.clone(),
            ReplicaSpec {
                update_clipping: Some(CLIPPING),
                ..plain.clone()
            },
            ReplicaSpec {
                gradient_clipping: Some(1.0),
                ..plain
            },
        ];
        let spec = TrainingSpec {
            network: Network::mlp(&[4, 2], Activation::Identity).unwrap(),
            batch: 2,
            replicas,
            stream: None,
            probe: None,
        };
        let mut trainer = Trainer::new(&compute, spec).unwrap();
        for replica in 0..3 {
            let weight = vec![0.0, 0.0, 0.0, 1e20, 0.0, 0.0, 0.0, 0.0];
            let parameters = [weight, vec![0.0; 2]];
            trainer.write_parameters(replica, &parameters).unwrap();
            trainer.write_batch(replica, &[0.0; 8], &[0, 0]).unwrap();
        }
        trainer.update(2).unwrap();
        let halted = trainer.progress().unwrap();
        let halted: Vec<_> = halted.iter().map(|progress| progress.halted).collect();
        assert_eq!(halted, [None, Some(halt), Some(halt)], "{device}");
    }
}

#[test]
fn numbers_outside_their_range_are_refused() {
    let refusal = |replica: ReplicaSpec| stream(vec![replica], None).check().unwrap_err();
    let update = |clipping| ReplicaSpec {
        update_clipping: Some(clipping),
        ..ReplicaSpec::default()
    };
    let gradient = |limit| ReplicaSpec {
        gradient_clipping: Some(limit),
        ..ReplicaSpec::default()
    };
    let threshold = |threshold| {
        update(UpdateClipping {
            threshold,
            ..CLIPPING
        })
    };
    let hold = |hold| update(UpdateClipping { hold, ..CLIPPING });
    let decay = |decay| {
        update(UpdateClipping {
            decay: Some(decay),
            ..CLIPPING
        })
    };
    for (replica, wanted) in [
        (
            threshold(0.0),
            "threshold: wanted more than 0, finite, found 0",
        ),
        (
            threshold(f32::NAN),
            "threshold: wanted more than 0, finite, found NaN",
        ),
        (
            threshold(f32::INFINITY),
            "threshold: wanted more than 0, finite, found inf",
        ),
        (hold(1.0), "hold: wanted 0 or more, below 1, found 1"),
        (hold(f32::NAN), "hold: wanted 0 or more, below 1, found NaN"),
        (decay(1.0), "decay: wanted 0 or more, below 1, found 1"),
        (decay(-0.5), "decay: wanted 0 or more, below 1, found -0.5"),
        (
            gradient(0.0),
            "gradient_clipping: wanted more than 0, finite, found 0",
        ),
        (
            gradient(f32::NAN),
            "gradient_clipping: wanted more than 0, finite, found NaN",
        ),
    ] {
        let error = refusal(replica).to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
