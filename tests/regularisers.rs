//! L2-init and the Wasserstein regulariser: their gradients against PyTorch float64 (`assets/reference`), the parameters
//! towards which they pull, and no effect on replicas without them; on the CPU executor and on every adapter.

mod common;
#[path = "common/reference.rs"]
mod reference;

use common::{Tolerance, compare, computes, gpus};
use reference::{Layer, activation, flat, parameters, read, single};
use serde::Deserialize;
use trainable::network::{Activation, Network, Parameters};
use trainable::plan::Program;
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Engine, Error, Trainer};

const CASES: [&str; 3] = ["relu", "crelu", "linear"];

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

#[derive(Deserialize)]
struct Reference {
    activation: String,
    widths: Vec<u32>,
    batch: u32,
    l2: f64,
    l2_init: f64,
    wasserstein: f64,
    step_size: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    x: Vec<f64>,
    y: Vec<u32>,
    initial: Vec<Layer>,
    layers: Vec<Layer>,
    gradients: Vec<Layer>,
    gradients_l2_init: Vec<Layer>,
    gradients_wasserstein: Vec<Layer>,
    g2: Vec<f64>,
    g2_objective: Vec<f64>,
    after_5: Vec<Layer>,
}

/// The strengths of the two penalties in each replica: L2-init, Wasserstein.
const SWITCHES: [(f64, f64); 4] = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];

/// Returns a trainer with a replica for each of [`SWITCHES`]. Its reference parameters are the case's initial ones, and its
/// current parameters are the case's other ones.
fn trainer(compute: &Compute, case: &Reference) -> Trainer {
    let replica = |(l2_init, wasserstein)| ReplicaSpec {
        seed: 1,
        step_size: case.step_size as f32,
        l2: case.l2 as f32,
        optimiser: Optimiser::Adam {
            beta1: case.beta1 as f32,
            beta2: case.beta2 as f32,
            epsilon: case.epsilon as f32,
        },
        l2_init: (l2_init * case.l2_init) as f32,
        wasserstein: (wasserstein * case.wasserstein) as f32,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::mlp(&case.widths, activation(&case.activation)).unwrap(),
        batch: case.batch,
        replicas: SWITCHES.map(replica).to_vec(),
        stream: None,
        probe: Some(ProbeSpec {
            iterations: 1,
            ..ProbeSpec::default()
        }),
    };
    let mut trainer = Trainer::new(compute, spec).unwrap();
    let write = |trainer: &mut Trainer, layers: &[Layer]| {
        for replica in 0..SWITCHES.len() {
            let parameters = parameters(layers);
            trainer.write_parameters(replica, &parameters).unwrap();
        }
    };
    for replica in 0..SWITCHES.len() {
        let x = single(&case.x);
        trainer.write_batch(replica, &x, &case.y).unwrap();
    }
    write(&mut trainer, &case.initial);
    trainer.store_reference().unwrap();
    write(&mut trainer, &case.layers);
    trainer
}

fn flattened(tensors: &Parameters) -> Vec<f64> {
    tensors.iter().flatten().copied().map(f64::from).collect()
}

/// Returns the gradient that a replica with these penalties must have.
fn wanted_gradients(case: &Reference, (l2_init, wasserstein): (f64, f64)) -> Vec<f64> {
    let penalties = flat(&case.gradients_l2_init)
        .into_iter()
        .zip(flat(&case.gradients_wasserstein));
    flat(&case.gradients)
        .iter()
        .zip(penalties)
        .map(|(g, (a, b))| g + l2_init * a + wasserstein * b)
        .collect()
}

#[test]
fn gradients_and_updates_equal_pytorch() {
    for (device, compute) in computes() {
        for name in CASES {
            let case: Reference = read(&format!("penalty_{name}"));
            let mut trainer = trainer(&compute, &case);
            trainer.update(1).unwrap();
            let gradients = trainer.gradients().unwrap();
            for (found, switches) in gradients.iter().zip(SWITCHES) {
                compare(
                    flattened(found),
                    wanted_gradients(&case, switches),
                    ONE_PASS,
                )
                .unwrap_or_else(|worst| panic!("{device}, {name}, {switches:?}: {worst}"));
            }
            trainer.update(4).unwrap();
            let found = flattened(&trainer.parameters().unwrap()[3]);
            compare(found, flat(&case.after_5), FIVE_STEPS)
                .unwrap_or_else(|worst| panic!("{device}, {name}: {worst}"));
        }
    }
}

#[test]
fn the_comparison_notices_each_penalty() {
    for name in CASES {
        let case: Reference = read(&format!("penalty_{name}"));
        let mut trainer = trainer(&Compute::Cpu, &case);
        trainer.update(1).unwrap();
        let gradients = trainer.gradients().unwrap();
        for (found, a) in gradients.iter().zip(SWITCHES) {
            for b in SWITCHES {
                let equal = compare(flattened(found), wanted_gradients(&case, b), ONE_PASS);
                assert_eq!(equal.is_ok(), a == b, "{name}: {a:?}, {b:?}");
            }
        }
        trainer.update(4).unwrap();
        let one_penalty = flattened(&trainer.parameters().unwrap()[2]);
        assert!(compare(one_penalty, flat(&case.after_5), FIVE_STEPS).is_err());
    }
}

#[test]
fn a_probe_tells_the_losss_gradient_from_the_objectives() {
    let tolerance = Tolerance {
        atol: 0.0,
        rtol: 1e-4,
    };
    for (device, compute) in computes() {
        for name in CASES {
            let case: Reference = read(&format!("penalty_{name}"));
            let mut trainer = trainer(&compute, &case);
            let all = trainer.probe().unwrap();
            for (stats, switches) in all.iter().zip(SWITCHES) {
                let stats = stats.as_ref().unwrap();
                let layers = stats.layers.iter();
                let (pure, objective): (Vec<_>, Vec<_>) = layers
                    .map(|l| (l.grad_norm_sq, l.objective_grad_norm_sq))
                    .unzip();
                let context = |worst| panic!("{device}, {name}, {switches:?}: {worst}");
                compare(pure, case.g2.clone(), tolerance).unwrap_or_else(context);
                let network = [stats.network.objective_grad_norm_sq];
                compare(network, [objective.iter().sum()], tolerance).unwrap_or_else(context);
                let is_whole = compare(objective, case.g2_objective.clone(), tolerance).is_ok();
                assert_eq!(is_whole, switches == (1.0, 1.0), "{device}, {name}");
            }
        }
    }
}

/// Uses 23 images and minibatches of 7: 3 minibatches an epoch and 2 epochs make 6 steps a task.
fn spec(replicas: &[ReplicaSpec], probe: bool) -> TrainingSpec {
    let pixels = 30;
    let bytes: Vec<u8> = common::noise(4, 100 * pixels)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    TrainingSpec {
        network: Network::mlp(&[pixels as u32, 19, 11, 5], Activation::Crelu).unwrap(),
        batch: 7,
        replicas: replicas.to_vec(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, pixels, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: probe.then(|| ProbeSpec {
            iterations: 2,
            ..ProbeSpec::default()
        }),
    }
}

fn replica(seed: u32, l2_init: f32, wasserstein: f32) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: 1e-2,
        l2_init,
        wasserstein,
        ..ReplicaSpec::default()
    }
}

fn bits(tensors: &Parameters) -> Vec<u32> {
    tensors.iter().flatten().map(|x| x.to_bits()).collect()
}

/// Returns every replica's parameters after `pieces` of training, with a probe after each piece if `probe` is set.
fn train(
    compute: &Compute,
    replicas: &[ReplicaSpec],
    pieces: &[u32],
    probe: bool,
) -> Vec<Vec<u32>> {
    let mut trainer = Trainer::new(compute, spec(replicas, probe)).unwrap();
    for piece in pieces {
        trainer.train(*piece).unwrap();
        if probe {
            trainer.probe().unwrap();
        }
    }
    let parameters = trainer.parameters().unwrap();
    parameters.iter().map(bits).collect()
}

#[test]
fn replicas_without_a_regulariser_and_neighbours_are_left_alone() {
    let plain = replica(1, 0.0, 0.0);
    let (l2_init, wasserstein) = (replica(1, 1e-2, 0.0), replica(1, 0.0, 1e-2));
    let wild = ReplicaSpec {
        step_size: 1e30,
        ..replica(2, 1e-2, 1e-2)
    };
    let mixed = [l2_init.clone(), plain.clone(), wild, wasserstein.clone()];
    for (device, compute) in computes() {
        let found = train(&compute, &mixed, &[14], false);
        let alone = |replica: &ReplicaSpec| {
            train(&compute, std::slice::from_ref(replica), &[14], false).remove(0)
        };
        assert!(found[1] == alone(&plain), "{device}: without");
        assert!(found[0] == alone(&l2_init), "{device}: L2-init");
        assert!(found[3] == alone(&wasserstein), "{device}: Wasserstein");
        // The negative control: each regulariser changes what is learned.
        assert!(found[0] != found[1] && found[3] != found[1] && found[0] != found[3]);
        // The diverged replica stays as it was.
        let later = train(&compute, &mixed, &[14, 3], false);
        assert!(later[2] == found[2] && later[1] != found[1], "{device}");
    }
}

#[test]
fn what_no_replica_uses_has_neither_buffers_nor_dispatches() {
    let of = |l2_init, wasserstein| {
        let replicas = [replica(1, 0.0, 0.0), replica(2, l2_init, wasserstein)];
        let program = Program::new(&spec(&replicas, true)).unwrap();
        let buffers = &program.buffers.regularisers;
        let used = (buffers.l2_init.is_some(), buffers.wasserstein.is_some());
        let step = program
            .steps
            .as_ref()
            .expect("a stream")
            .step
            .dispatches
            .len();
        (
            used,
            program.declared.len(),
            program.store_reference.dispatches.len(),
            step,
        )
    };
    let (used, buffers, store, step) = of(0.0, 0.0);
    assert_eq!((used, store), ((false, false), 0));
    let sort = 1 + 4 * 3;
    let sort_buffers = 2 + 2 + 1;
    assert_eq!(of(0.1, 0.0), ((true, false), buffers + 1, 1, step + 1));
    let wanted = (
        (false, true),
        buffers + sort_buffers + 1,
        sort + 1,
        step + sort + 1,
    );
    assert_eq!(of(0.0, 0.1), wanted);
}

#[test]
fn pieces_and_probes_change_no_bit() {
    let replicas = [replica(1, 1e-2, 1e-2), replica(2, 0.0, 1e-1)];
    for (device, compute) in computes() {
        let whole = train(&compute, &replicas, &[14], false);
        let in_pieces = train(&compute, &replicas, &[1, 8, 5], false);
        assert!(whole == in_pieces, "{device}: in pieces");
        let probed = train(&compute, &replicas, &[1, 8, 5], true);
        assert!(whole == probed, "{device}: probed");
    }
}

#[test]
fn the_drawn_parameters_are_the_reference_until_another_is_taken() {
    let replicas = [replica(1, 0.0, 0.0), replica(1, 0.5, 0.5)];
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec(&replicas, true)).unwrap();
        // A probe does not change the gradients at the parameters.
        let gradients_agree = |trainer: &mut Trainer| {
            trainer.probe().unwrap();
            let gradients = trainer.gradients().unwrap();
            gradients[0] == gradients[1]
        };
        assert!(
            gradients_agree(&mut trainer),
            "{device}: at the reference parameters"
        );
        let mut moved = trainer.parameters().unwrap();
        moved[0][0][3] += 0.25;
        for replica in 0..2 {
            trainer.write_parameters(replica, &moved[0]).unwrap();
        }
        assert!(!gradients_agree(&mut trainer), "{device}: away from it");
        trainer.store_reference().unwrap();
        assert!(gradients_agree(&mut trainer), "{device}: at the new one");
    }
}

#[test]
fn an_engine_without_reference_parameters_does_not_train() {
    for gpu in gpus() {
        let engine = |replica| {
            let mut engine = Engine::new(&gpu.device, spec(&[replica], false)).unwrap();
            let zeros = engine.spec().network.parameter_stride();
            let zeros = engine.spec().network.unpack(&vec![0.0; zeros]).unwrap();
            let mut encoder = gpu.device.create_command_encoder(&Default::default());
            let too_early = engine.encode_store_reference(&mut encoder);
            assert!(matches!(too_early, Err(Error::NoParameters { .. })));
            engine.write_parameters(&gpu.queue, 0, &zeros).unwrap();
            engine
        };
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        let mut regularised = engine(replica(1, 0.0, 1e-2));
        let refused = regularised.encode_steps(&mut encoder, 1);
        assert!(
            matches!(refused, Err(Error::NoReferenceParameters)),
            "{refused:?}"
        );
        regularised.encode_store_reference(&mut encoder).unwrap();
        regularised.encode_steps(&mut encoder, 1).unwrap();
        let mut plain = engine(replica(1, 0.0, 0.0));
        plain.encode_steps(&mut encoder, 1).unwrap();
    }
}
