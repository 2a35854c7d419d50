//! Bits that must be the same: in a second run, alone or among other replicas, in one submission or in many, and beside a
//! neighbour that diverges. Tasks also switch at the right step.

mod common;

use common::computes;
use trainable::network::{Activation, Network, Parameters};
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::tasks::{epoch_image, subset_image, task_label};
use trainable::{Compute, Halt, HaltCause, ReplicaProgress, Trainer};

const PIXELS: usize = 30;

/// Uses 23 images and minibatches of 7: 3 minibatches an epoch and 2 epochs make 6 steps a task.
fn spec(replicas: &[ReplicaSpec]) -> TrainingSpec {
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    TrainingSpec {
        network: Network::mlp(&[PIXELS as u32, 19, 11, 5], Activation::Crelu).unwrap(),
        batch: 7,
        replicas: replicas.to_vec(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&bytes, PIXELS, 0.5, 0.25).unwrap(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    }
}

fn replica(seed: u32) -> ReplicaSpec {
    ReplicaSpec {
        seed,
        step_size: 1e-2,
        l2: 1e-3 * seed as f32,
        ..ReplicaSpec::default()
    }
}

type Outcome = (Vec<ReplicaProgress>, Vec<Parameters>);

fn train(compute: &Compute, replicas: &[ReplicaSpec], pieces: &[u32]) -> Outcome {
    let mut trainer = Trainer::new(compute, spec(replicas)).unwrap();
    for piece in pieces {
        trainer.train(*piece).unwrap();
    }
    (trainer.progress().unwrap(), trainer.parameters().unwrap())
}

#[test]
fn twice_alone_and_in_pieces_gives_the_same_bits() {
    let [a, b, c] = [1, 2, 3].map(replica);
    let all = [a, b, c.clone()];
    for (device, compute) in computes() {
        let (progress, parameters) = train(&compute, &all, &[20]);
        let finite = |tensor: &Vec<f32>| tensor.iter().all(|x| x.is_finite());
        assert!(parameters.iter().flatten().all(finite), "{device}");
        assert!(
            (&progress, &parameters) == both(&train(&compute, &all, &[20])),
            "{device}: twice"
        );
        let in_pieces = train(&compute, &all, &[1, 5, 2, 12]);
        assert!(
            (&progress, &parameters) == both(&in_pieces),
            "{device}: in pieces"
        );
        let (alone, alone_parameters) = train(&compute, std::slice::from_ref(&c), &[20]);
        assert!(
            alone[0] == progress[2] && alone_parameters[0] == parameters[2],
            "{device}: alone"
        );
        // The negative control: other seeds give other bits.
        assert!(
            parameters[0] != parameters[1] && progress[0] != progress[1],
            "{device}"
        );
    }
}

fn both(outcome: &Outcome) -> (&Vec<ReplicaProgress>, &Vec<Parameters>) {
    (&outcome.0, &outcome.1)
}

#[test]
fn replicas_of_both_optimisers_together_have_the_bits_that_each_has_alone() {
    let sgd = |seed| ReplicaSpec {
        optimiser: Optimiser::Sgd { momentum: 0.9 },
        ..replica(seed)
    };
    let all = [replica(1), sgd(1), sgd(2), replica(2)];
    for (device, compute) in computes() {
        let (progress, parameters) = train(&compute, &all, &[9]);
        for (r, spec) in all.iter().enumerate() {
            let (alone, alone_parameters) = train(&compute, std::slice::from_ref(spec), &[9]);
            assert!(
                alone[0] == progress[r] && alone_parameters[0] == parameters[r],
                "{device}: replica {r}"
            );
        }
        // The negative control: the optimiser matters.
        assert!(parameters[0] != parameters[1] && parameters[2] != parameters[3]);
    }
}

#[test]
fn a_nan_reaches_the_loss_through_every_activation_on_every_device() {
    let activations = [
        Activation::Identity,
        Activation::Relu,
        Activation::Crelu,
        Activation::LeakyRelu,
        Activation::Tanh,
        Activation::Gelu,
        Activation::Silu,
        Activation::Fourier,
    ];
    for (device, compute) in computes() {
        for activation in activations {
            let spec = TrainingSpec {
                network: Network::mlp(&[5, 7, 6, 3], activation).unwrap(),
                batch: 4,
                replicas: vec![replica(1), replica(2)],
                stream: None,
                probe: None,
            };
            let mut trainer = Trainer::new(&compute, spec).unwrap();
            for replica in 0..2 {
                let mut inputs = vec![0.5; 20];
                if replica == 1 {
                    inputs[7] = f32::NAN;
                }
                trainer
                    .write_batch(replica, &inputs, &[0, 1, 2, 0])
                    .unwrap();
            }
            trainer.update(1).unwrap();
            let causes = trainer.progress().unwrap();
            let causes = causes
                .iter()
                .map(|replica| replica.halted.map(|halt| halt.cause));
            let wanted = [None, Some(HaltCause::Loss)];
            assert_eq!(
                causes.collect::<Vec<_>>(),
                wanted,
                "{device}, {activation:?}"
            );
        }
    }
}

#[test]
fn a_replica_that_diverges_is_stopped_and_reported_alone() {
    let wild = ReplicaSpec {
        step_size: 1e30,
        ..replica(2)
    };
    let replicas = [replica(1), wild, replica(3)];
    let mut halts = Vec::new();
    for (device, compute) in computes() {
        let (progress, parameters) = train(&compute, &replicas, &[14]);
        let (calm, calm_parameters) = train(&compute, &[replica(1), replica(3)], &[14]);
        assert!(
            progress[0] == calm[0] && parameters[0] == calm_parameters[0],
            "{device}"
        );
        assert!(
            progress[2] == calm[1] && parameters[2] == calm_parameters[1],
            "{device}"
        );
        assert!(progress[0].halted.is_none(), "{device}");
        let halt = progress[1]
            .halted
            .unwrap_or_else(|| panic!("{device}: not noticed"));
        assert_eq!(
            (halt.task, progress[1].updates),
            (0, halt.update),
            "{device}"
        );
        assert!(
            progress[1].finished.is_empty(),
            "{device}: a diverged task has no score"
        );
        // A halted replica stays as it is: more steps change nothing.
        let (later, later_parameters) = train(&compute, &replicas, &[14, 9]);
        assert_eq!(later[1].halted, progress[1].halted, "{device}");
        assert_eq!(later[1].updates, progress[1].updates, "{device}");
        let bits = |tensors: &Parameters| -> Vec<u32> {
            tensors.iter().flatten().map(|x| x.to_bits()).collect()
        };
        assert!(
            bits(&later_parameters[1]) == bits(&parameters[1]),
            "{device}"
        );
        halts.push(halt);
    }
    // One update of size 1e30 makes weights whose products overflow in the next forward pass.
    assert!(
        halts.iter().all(|h| *h
            == Halt {
                task: 0,
                update: 1,
                cause: HaltCause::Loss
            }),
        "{halts:?}"
    );
}

#[test]
fn an_update_that_overflows_is_noticed() {
    // Inputs of 1e25 give gradients whose squares overflow in Adam's second moment. Their product with the step size 1e20
    // overflows in SGD's update. The loss is still finite in both cases.
    let sgd = ReplicaSpec {
        step_size: 1e20,
        optimiser: Optimiser::Sgd { momentum: 0.5 },
        ..replica(1)
    };
    let computes = computes();
    let cases = computes
        .iter()
        .flat_map(|compute| [(compute, replica(1)), (compute, sgd.clone())]);
    for ((device, compute), replica) in cases {
        let network = Network::mlp(&[4, 2], Activation::Identity).unwrap();
        let spec = TrainingSpec {
            network,
            batch: 2,
            replicas: vec![replica],
            stream: None,
            probe: None,
        };
        let mut trainer = Trainer::new(compute, spec).unwrap();
        let zero = [vec![0.0; 8], vec![0.0; 2]];
        trainer.write_parameters(0, &zero).unwrap();
        trainer.write_batch(0, &[1e25; 8], &[0, 0]).unwrap();
        trainer.update(2).unwrap();
        let halt = Halt {
            task: 0,
            update: 0,
            cause: HaltCause::Update,
        };
        assert_eq!(
            trainer.progress().unwrap()[0].halted,
            Some(halt),
            "{device}"
        );
    }
}

#[test]
fn tasks_switch_after_their_steps_and_keep_their_scores() {
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec(&[replica(1)])).unwrap();
        assert_eq!(trainer.spec().steps_per_task(), 6);
        let mut correct = Vec::new();
        for step in 0..13 {
            let before = trainer.progress().unwrap().remove(0);
            assert_eq!((before.task, before.updates), (step / 6, step), "{device}");
            assert_eq!(before.finished.len() as u32, step / 6, "{device}");
            trainer.train(1).unwrap();
            correct.push(trainer.progress().unwrap()[0].batch_correct);
        }
        let finished = trainer.progress().unwrap().remove(0).finished;
        for (task, score) in finished.iter().enumerate() {
            let accuracy =
                |steps: &[u32]| f64::from(steps.iter().sum::<u32>()) / (7.0 * steps.len() as f64);
            let steps = &correct[6 * task..6 * (task + 1)];
            assert_eq!(score.task as usize, task);
            assert!(
                (score.online_accuracy - accuracy(steps)).abs() < 1e-12,
                "{device}"
            );
            assert!(
                (score.final_accuracy - accuracy(&steps[3..])).abs() < 1e-12,
                "{device}"
            );
        }
    }
}

#[test]
fn a_minibatch_holds_the_streams_images_and_labels() {
    // The gradient of a linear network whose weights select pixels would be a checksum of the minibatch. This test uses the
    // definition directly: the loss of a known network on known images.
    let spec = spec(&[replica(9)]);
    let stream = spec.stream.clone().unwrap();
    let (seed, batch) = (9, 7);
    let bytes: Vec<u8> = common::noise(4, 100 * PIXELS)
        .iter()
        .map(|x| (x * 127.0 + 128.0) as u8)
        .collect();
    for (device, compute) in computes() {
        let mut streaming = Trainer::new(&compute, spec.clone()).unwrap();
        let mut handed = Trainer::new(&compute, spec.clone()).unwrap();
        for step in 0..8 {
            let (task, epoch, first) = (step / 6, step % 6 / 3, step % 3 * batch);
            let mut inputs = Vec::new();
            let mut labels = Vec::new();
            for row in 0..batch {
                let index = epoch_image(seed, task, epoch, stream.subset, first + row);
                let image = subset_image(seed, 100, index) as usize;
                let pixels = &bytes[image * PIXELS..(image + 1) * PIXELS];
                inputs.extend(pixels.iter().map(|p| (f32::from(*p) / 255.0 - 0.5) / 0.25));
                labels.push(task_label(
                    seed,
                    task,
                    stream.subset,
                    stream.subset,
                    5,
                    index,
                ));
            }
            streaming.train(1).unwrap();
            handed.write_batch(0, &inputs, &labels).unwrap();
            handed.update(1).unwrap();
            let [a, b] = [&mut streaming, &mut handed].map(|t| t.progress().unwrap().remove(0));
            assert!(
                (a.batch_loss - b.batch_loss).abs() < 1e-4,
                "{device}, step {step}"
            );
            assert_eq!(a.batch_correct, b.batch_correct, "{device}, step {step}");
        }
    }
}
