//! ReDo, continual backprop and self-normalised resets, on the CPU executor and on every adapter, against their formulas in
//! float64.

mod common;
#[path = "unit_renewal/follow.rs"]
mod follow;
#[path = "unit_renewal/host.rs"]
mod host;
#[path = "common/run.rs"]
mod run;

use common::{computes, noise};
use follow::{Met, follow};
use trainable::Trainer;
use trainable::network::{Activation, Item, Network, Parameters};
use trainable::plan::{Plan, Program};
use trainable::probe::{ProbeSpec, ProbeStart};
use trainable::spec::{
    ImageSet, Intervention, Optimiser, ReplicaSpec, TaskStream, TaskSwitch, TrainingSpec,
};

const WIDTHS: [u32; 4] = [6, 9, 7, 3];
const BATCH: u32 = 5;
const UPDATES: u32 = 40;

const REDO: Intervention = Intervention::Redo { tau: 0.6, every: 3 };
const CONTINUAL_BACKPROP: Intervention = Intervention::ContinualBackprop {
    rate: 1.0 / 32.0,
    maturity: 4,
    eta: 0.75,
};
const SELF_NORMALISED_RESETS: Intervention = Intervention::SelfNormalisedResets {
    eta: 0.2,
    window: 4,
};
const METHODS: [Intervention; 3] = [REDO, CONTINUAL_BACKPROP, SELF_NORMALISED_RESETS];

/// The same methods with one number changed, which select other units.
const CHANGED: [Intervention; 3] = [
    Intervention::Redo { tau: 0.4, every: 3 },
    Intervention::ContinualBackprop {
        rate: 1.0 / 32.0,
        maturity: 4,
        eta: 0.0,
    },
    Intervention::SelfNormalisedResets {
        eta: 0.3,
        window: 4,
    },
];

fn replica(seed: u32, interventions: &[Intervention]) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: 1e-2,
        interventions: interventions.to_vec(),
        ..ReplicaSpec::default()
    }
}

fn spec(activation: Activation, replicas: Vec<ReplicaSpec>) -> TrainingSpec {
    TrainingSpec {
        network: Network::mlp(&WIDTHS, activation).unwrap(),
        batch: BATCH,
        replicas,
        stream: None,
        probe: None,
    }
}

/// The same with tasks of 8 updates.
fn streamed(activation: Activation, replicas: Vec<ReplicaSpec>) -> TrainingSpec {
    let bytes = noise(4, 100 * WIDTHS[0] as usize);
    let bytes: Vec<u8> = bytes.iter().map(|x| (x * 127.0 + 128.0) as u8).collect();
    let images = ImageSet::new(&bytes, WIDTHS[0] as usize, 0.5, 0.25).unwrap();
    TrainingSpec {
        stream: Some(TaskStream::random_labels(images, 4 * BATCH, 2)),
        ..spec(activation, replicas)
    }
}

fn activations(method: Intervention) -> [Activation; 3] {
    match method {
        // Units with two copies fire in almost every minibatch.
        SELF_NORMALISED_RESETS => [Activation::Relu, Activation::Tanh, Activation::Relu],
        // |sin z| + |cos z| is at least 1, so that no unit is dormant.
        REDO => [Activation::Relu, Activation::Crelu, Activation::Relu],
        _ => [Activation::Relu, Activation::Crelu, Activation::Fourier],
    }
}

#[test]
fn every_method_follows_its_formula_and_renews_nothing_else() {
    for (device, compute) in computes() {
        for (number, method) in METHODS.into_iter().enumerate() {
            let mut total = Met::default();
            for (seed, activation) in (1..).zip(activations(method)) {
                let what = format!("{device}, {method:?}, {activation:?}, seed {seed}");
                let own = replica(seed, &[method]);
                let met = follow(&what, &compute, number, activation, &own);
                assert!(met.renewals > 0, "{what}: {met:?}");
                total.renewals += met.renewals;
                total.between += met.between;
                total.differing += met.differing;
            }
            let what = format!("{device}, {method:?}: {total:?}");
            eprintln!("{what}");
            assert!(total.differing > 0, "{what}");
            let all = 3 * UPDATES * (WIDTHS[1] + WIDTHS[2]);
            assert!(total.renewals < all as usize / 4, "{what}");
            assert!(total.between > 0, "{what}");
        }
    }
}

#[test]
fn every_moment_of_every_optimiser_is_cleared() {
    let (beta1, beta2, epsilon) = (0.9, 0.99, 1e-8);
    let optimisers = [
        Optimiser::Sgd { momentum: 0.9 },
        Optimiser::AmsGrad {
            beta1,
            beta2,
            epsilon,
        },
        Optimiser::AdamMax {
            beta1,
            beta2,
            fast_beta2: 0.5,
            epsilon,
        },
    ];
    for (device, compute) in computes() {
        for (seed, optimiser) in (4..).zip(optimisers) {
            let own = ReplicaSpec {
                optimiser,
                ..replica(seed, &[REDO])
            };
            let what = format!("{device}, {optimiser:?}");
            let met = follow(&what, &compute, 0, Activation::Relu, &own);
            assert!(met.renewals > 0, "{what}");
        }
    }
}

fn names(plan: &Plan) -> Vec<&'static str> {
    let dispatches = plan.dispatches.iter();
    dispatches.map(|dispatch| dispatch.kernel.name).collect()
}

#[test]
fn a_step_has_a_dispatch_for_each_hidden_layer_and_two_more_for_all_methods_together() {
    let clipping = Intervention::WeightClipping { kappa: 1.0 };
    let step = |replicas: &[&[Intervention]]| {
        let replicas = replicas.iter().map(|own| replica(1, own)).collect();
        let program = Program::new(&streamed(Activation::Relu, replicas)).unwrap();
        let plans = run::steps(&program);
        assert!(plans.task_switch.is_none());
        assert!(plans.periodic.is_none());
        names(&plans.step)
    };
    let plain = step(&[&[]]);
    let renewal = [
        "unit_statistics",
        "unit_statistics",
        "unit_selection",
        "unit_renewal",
    ];
    for method in [CONTINUAL_BACKPROP, SELF_NORMALISED_RESETS] {
        assert_eq!(step(&[&[method], &[]]), [&plain[..], &renewal].concat());
    }
    let [a, b, c] = METHODS;
    assert_eq!(
        step(&[&[a], &[b], &[c]]),
        [&plain[..], &renewal].concat(),
        "three methods"
    );
    // Fresh weights are clipped at once, in whichever order they are listed.
    let wanted = [&plain[..], &renewal, &["weight_clipping"]].concat();
    assert_eq!(step(&[&[clipping, a]]), wanted);
}

#[test]
fn redo_by_itself_has_dispatches_only_where_it_is_due() {
    let redo = |every| Intervention::Redo { tau: 0.6, every };
    let program = |own: &[Intervention]| {
        let replicas = own.iter().map(|own| replica(1, &[*own])).collect();
        Program::new(&streamed(Activation::Relu, replicas)).unwrap()
    };
    let plain = Program::new(&streamed(Activation::Relu, vec![replica(1, &[])])).unwrap();
    let plain = run::steps(&plain);
    let program_of_two = program(&[redo(5), redo(3), redo(5)]);
    let plans = run::steps(&program_of_two);
    assert_eq!(names(&plans.step), names(&plain.step));
    let periodic = plans.periodic.as_ref().unwrap();
    assert_eq!(periodic.periods, [3, 5]);
    assert_eq!(names(&periodic.plan).len(), 4);
    // 7 of 15 updates are multiples of 3 or of 5.
    let wanted = plain.mean_dispatches() + 4.0 * 7.0 / 15.0;
    assert!((plans.mean_dispatches() - wanted).abs() < 1e-12);
    // One that is due at every update is part of the step.
    let every = program(&[redo(3), redo(1)]);
    assert!(run::steps(&every).periodic.is_none());
    assert_eq!(
        names(&run::steps(&every).step).len(),
        names(&plain.step).len() + 4
    );
}

/// The same bits as with dispatches after every update, which a replica with another method needs.
#[test]
fn redo_by_itself_does_what_it_does_beside_other_methods() {
    for (device, compute) in computes() {
        let redo = |seed, every| replica(seed, &[Intervention::Redo { tau: 0.6, every }]);
        let own = [redo(1, 3), redo(2, 5), redo(3, 8)];
        let train = |replicas: &[ReplicaSpec], pieces: &[u32], probes: bool| {
            let spec = TrainingSpec {
                probe: Some(ProbeSpec::default()),
                ..streamed(Activation::Relu, replicas.to_vec())
            };
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            for steps in pieces {
                if probes {
                    trainer.probe().unwrap();
                }
                trainer.train(*steps).unwrap();
            }
            trainer.parameters().unwrap()
        };
        let others = [&own[..], &[replica(4, &[CONTINUAL_BACKPROP])]].concat();
        let wanted = train(&others, &[48], false);
        let wanted = &wanted[..3];
        for (pieces, probes) in [
            (&[48][..], false),
            (&[2, 1, 5, 16, 1, 23], false),
            (&[2, 1, 5, 16, 1, 23], true),
        ] {
            let found = train(&own, pieces, probes);
            assert!(found == wanted, "{device}: {pieces:?}, {probes}");
        }
        let without = own.clone().map(|own| ReplicaSpec {
            interventions: Vec::new(),
            ..own
        });
        let without = train(&without, &[48], false);
        let pairs = without.iter().zip(wanted);
        assert!(pairs.into_iter().all(|(a, b)| a != b), "{device}");
    }
}

/// Replicas with each method, without one, with resets and with clipping.
fn mixture() -> Vec<ReplicaSpec> {
    let [a, b, c] = METHODS;
    let clipping = Intervention::WeightClipping { kappa: 0.75 };
    let reset = ReplicaSpec {
        at_task_switch: TaskSwitch::ResetOptimiser,
        ..replica(4, &[b, clipping])
    };
    vec![
        replica(1, &[a]),
        replica(2, &[b]),
        replica(3, &[c]),
        replica(1, &[]),
        reset,
    ]
}

#[test]
fn methods_leave_other_replicas_alone_and_do_not_care_where_a_run_is_cut() {
    for (device, compute) in computes() {
        let all = mixture();
        let train = |replicas: &[ReplicaSpec], pieces: &[u32]| {
            let spec = streamed(Activation::Relu, replicas.to_vec());
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            pieces.iter().for_each(|n| trainer.train(*n).unwrap());
            trainer.parameters().unwrap()
        };
        let together = train(&all, &[45]);
        assert!(together == train(&all, &[8, 1, 30, 6]), "{device}");
        for (r, one) in all.iter().enumerate() {
            let alone = train(std::slice::from_ref(one), &[45]);
            assert!(alone[0] == together[r], "{device}: replica {r}");
        }
        assert!(together[0] != together[3], "{device}: nothing was renewed");
        let weights = together[4].iter().step_by(2);
        for (weights, tensor) in weights.zip(
            Network::mlp(&WIDTHS, Activation::Relu)
                .unwrap()
                .tensors()
                .iter()
                .step_by(2),
        ) {
            let limit = 0.75 * (6.0 / f64::from(tensor.shape[1])).sqrt() as f32;
            assert!(weights.iter().all(|w| w.abs() <= limit), "{device}");
        }
    }
}

#[test]
fn probes_and_snapshots_do_not_change_what_is_renewed() {
    for (device, compute) in computes() {
        let spec = TrainingSpec {
            // A warm start is kept for the next probe, so that a snapshot would differ.
            probe: Some(ProbeSpec {
                start: ProbeStart::Cold,
                ..ProbeSpec::default()
            }),
            ..streamed(Activation::Crelu, mixture())
        };
        let train = |probes: bool| {
            let mut trainer = Trainer::new(&compute, spec.clone()).unwrap();
            for _ in 0..9 {
                if probes {
                    trainer.probe().unwrap();
                }
                trainer.train(5).unwrap();
            }
            trainer.snapshot().unwrap()
        };
        let whole = train(false);
        assert!(whole == train(true), "{device}: probes");
        let mut first = Trainer::new(&compute, spec.clone()).unwrap();
        first.train(23).unwrap();
        let snapshot = first.snapshot().unwrap();
        let mut second = Trainer::new(&compute, spec.clone()).unwrap();
        second.train(7).unwrap();
        second.restore(&snapshot).unwrap();
        second.train(22).unwrap();
        assert!(second.snapshot().unwrap() == whole, "{device}: restored");
        // The negative control: without the records, the run ends elsewhere.
        let mut without = snapshot.clone();
        let records = without.buffers.iter_mut();
        let records = records.filter(|buffer| buffer.name == "unit records");
        assert_eq!(records.map(|buffer| buffer.words.fill(0)).count(), 1);
        second.restore(&without).unwrap();
        second.train(22).unwrap();
        assert!(second.snapshot().unwrap() != whole, "{device}: records");
    }
}

#[test]
fn a_halted_replica_is_left_alone() {
    for (device, compute) in computes() {
        for method in METHODS {
            let replicas = vec![replica(1, &[method]); 2];
            let spec = streamed(Activation::Relu, replicas);
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            let mut broken = trainer.parameters().unwrap().remove(0);
            broken[0][3] = f32::NAN;
            trainer.write_parameters(0, &broken).unwrap();
            trainer.train(30).unwrap();
            let progress = trainer.progress().unwrap();
            let halted = progress.iter().map(|replica| replica.halted.is_some());
            assert_eq!(halted.collect::<Vec<_>>(), [true, false], "{device}");
            let bits = |parameters: &Parameters| -> Vec<u32> {
                let elements = parameters.iter().flatten();
                elements.map(|x| x.to_bits()).collect()
            };
            let found = trainer.parameters().unwrap();
            assert!(bits(&found[0]) == bits(&broken), "{device}, {method:?}");
            assert!(bits(&found[1]) != bits(&broken), "{device}, {method:?}");
        }
    }
}

#[test]
fn impossible_methods_are_refused_with_the_reason() {
    let refused = |spec: TrainingSpec| {
        let error = Program::new(&spec).err();
        error.expect("an error").to_string()
    };
    let with = |interventions: &[Intervention]| {
        refused(spec(Activation::Relu, vec![replica(1, interventions)]))
    };
    let redo = |tau, every| Intervention::Redo { tau, every };
    let wanted = "tau: wanted 0 or more, finite, found -1";
    assert_eq!(with(&[redo(-1.0, 1)]), wanted);
    assert_eq!(with(&[redo(0.1, 0)]), "every: wanted 1 or more, found 0");
    let backprop = |rate, eta| Intervention::ContinualBackprop {
        rate,
        maturity: 1,
        eta,
    };
    assert_eq!(
        with(&[backprop(1.5, 0.5)]),
        "rate: wanted 0 to 1, found 1.5"
    );
    let wanted = "eta: wanted 0 or more, below 1, found ";
    assert_eq!(with(&[backprop(0.5, 1.0)]), format!("{wanted}1"));
    assert_eq!(with(&[backprop(0.5, f32::NAN)]), format!("{wanted}NaN"));
    let resets = |eta, window| Intervention::SelfNormalisedResets { eta, window };
    let wanted = "eta: wanted more than 0, below 1, found 0";
    assert_eq!(with(&[resets(0.0, 1)]), wanted);
    let wanted = "window: wanted 1 to 16,777,216, found 0";
    assert_eq!(with(&[resets(0.5, 0)]), wanted);
    let two = with(&[REDO, CONTINUAL_BACKPROP]);
    assert!(
        two.starts_with("interventions: wanted one method that renews units")
            && two.ends_with("found redo and continual-backprop"),
        "{two}"
    );
    let fresh = ReplicaSpec {
        at_task_switch: TaskSwitch::FreshNetwork,
        ..replica(1, &[REDO])
    };
    let message = refused(spec(Activation::Relu, vec![fresh]));
    assert!(message.starts_with("at_task_switch: wanted no fresh-network"));
    let items = [
        Item::Linear(5),
        Item::LayerNorm,
        Item::Activation(Activation::Relu),
        Item::Linear(3),
    ];
    for (network, place) in [
        (
            Network::sequence(WIDTHS[0], &items).unwrap(),
            "found value 1, which a layer normalisation (norm1) reads",
        ),
        (
            Network::mlp(&[WIDTHS[0], 3], Activation::Relu).unwrap(),
            "found no hidden value",
        ),
    ] {
        for method in METHODS {
            // Only one of the replicas has the method.
            let replicas = vec![replica(1, &[]), replica(1, &[method])];
            let message = refused(TrainingSpec {
                network: network.clone(),
                ..spec(Activation::Relu, replicas)
            });
            let wanted = "interventions: wanted hidden values that linear operations alone";
            assert!(message.starts_with(wanted), "{message}");
            assert!(message.ends_with(place), "{message}");
        }
    }
}
