//! The stream of permuted pixels: the inputs that reach the network, and what the network can learn; on the CPU executor and
//! on every adapter.

mod common;
#[path = "common/run.rs"]
mod run;

use common::computes;
use run::Run;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::ProbeSpec;
use trainable::rng::{Stream, permute, stream_key};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Trainer, data};

const PIXELS: u32 = 30;
const CLASSES: u32 = 8;
const TOTAL: u32 = 100;
const BATCH: u32 = 7;
/// Steps of a task: 23 images make 3 minibatches of 7 in an epoch, and a task has 2 epochs.
const STEPS_PER_TASK: u32 = 6;
const SEEDS: [u32; 3] = [1, 2, 3];

/// Returns images whose pixel p has the value 8 p + label. In any order of the pixels, each one tells its place and the
/// label.
fn images() -> ImageSet {
    let label = |image: u32| (image * 5 + image / 9) % CLASSES;
    let pixels = |image| (0..PIXELS).map(move |pixel| (8 * pixel + label(image)) as u8);
    let bytes: Vec<u8> = (0..TOTAL).flat_map(pixels).collect();
    let labels: Vec<u8> = (0..TOTAL).map(|image| label(image) as u8).collect();
    let images = ImageSet::new(&bytes, PIXELS as usize, 0.0, 1.0 / 255.0).unwrap();
    images.with_labels(&labels).unwrap()
}

fn spec(kind: StreamKind) -> TrainingSpec {
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    TrainingSpec {
        network: Network::mlp(&[PIXELS, 5, CLASSES], Activation::Relu).unwrap(),
        batch: BATCH,
        replicas: SEEDS.map(replica).to_vec(),
        stream: Some(TaskStream {
            kind,
            images: images(),
            subset: 23,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec {
            iterations: 1,
            ..ProbeSpec::default()
        }),
    }
}

/// One sample of a minibatch, decoded from its pixels.
struct Sample {
    /// The label that the pixels hold.
    true_label: u32,
    /// The label that the network is given.
    label: u32,
    /// The pixel in each column.
    order: Vec<u32>,
}

/// Decodes the latest minibatch of a replica.
fn minibatch(run: &Run<'_>, replica: usize) -> Vec<Sample> {
    let buffers = &run.program.buffers;
    let (columns, batch) = (32, BATCH as usize);
    let inputs = run.floats(buffers.activations[0], replica);
    let labels = run.words(buffers.labels, replica);
    assert_eq!((inputs.len(), labels.len()), (8 * columns, 8));
    let padding = inputs[batch * columns..].iter();
    assert!(padding.chain(&inputs[30..columns]).all(|x| *x == 0.0));
    let sample = |(row, label): (&[f64], &u32)| {
        let bytes: Vec<u32> = row[..PIXELS as usize]
            .iter()
            .map(|x| {
                assert!((x - x.round()).abs() < 1e-3, "{x} is no byte");
                x.round() as u32
            })
            .collect();
        let true_label = bytes[0] % 8;
        assert!(bytes.iter().all(|byte| byte % 8 == true_label), "{bytes:?}");
        Sample {
            true_label,
            label: *label,
            order: bytes.iter().map(|byte| byte / 8).collect(),
        }
    };
    let rows = inputs.chunks(columns).zip(&labels);
    rows.take(batch).map(sample).collect()
}

#[test]
fn a_task_permutes_all_images_alike_and_keeps_their_labels() {
    for (device, compute) in computes() {
        let program = Program::new(&spec(StreamKind::PermutedPixels)).unwrap();
        let mut run = Run::new(&compute, &program);
        // Orders of the pixels, by replica and task.
        let mut orders = Vec::new();
        for task in 0..3 {
            for step in 0..STEPS_PER_TASK {
                run.steps(1);
                for (r, seed) in SEEDS.iter().enumerate() {
                    let what = format!("{device}, seed {seed}, task {task}, step {step}");
                    let samples = minibatch(&run, r);
                    let key = stream_key(*seed, Stream::Pixels, task, 0);
                    let wanted: Vec<u32> = (0..PIXELS).map(|c| permute(key, PIXELS, c)).collect();
                    for sample in &samples {
                        assert_eq!(sample.label, sample.true_label, "{what}");
                        assert_eq!(sample.order, wanted, "{what}");
                    }
                    let first = samples[0].label;
                    assert!(samples.iter().any(|s| s.label != first), "{what}");
                    if step == 0 {
                        orders.push(wanted);
                    }
                }
            }
        }
        let identity: Vec<u32> = (0..PIXELS).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, identity, "{device}: a permutation");
            assert_ne!(*order, identity, "{device}");
        }
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), 9, "{device}: no two are the same");
    }
}

#[test]
fn random_labels_leave_pixels_alone_and_ignore_the_true_labels() {
    for (device, compute) in computes() {
        let program = Program::new(&spec(StreamKind::RandomLabels)).unwrap();
        let mut run = Run::new(&compute, &program);
        let (mut samples, mut true_labels) = (0, 0);
        for _ in 0..3 * STEPS_PER_TASK {
            run.steps(1);
            for sample in (0..SEEDS.len()).flat_map(|r| minibatch(&run, r)) {
                assert!(sample.order.iter().copied().eq(0..PIXELS), "{device}");
                samples += 1;
                true_labels += u32::from(sample.label == sample.true_label);
            }
        }
        // One label in 8 is the true one by chance: 47 of 378.
        assert!(
            samples == 378 && true_labels < 100,
            "{device}: {true_labels}"
        );
    }
}

/// A probe uses the minibatch of the next training step, so both have the same loss, to the bit.
#[test]
fn a_probe_sees_the_permuted_minibatch() {
    for (device, compute) in computes() {
        let mut trainer = Trainer::new(&compute, spec(StreamKind::PermutedPixels)).unwrap();
        trainer.train(2 * STEPS_PER_TASK).unwrap();
        let before = trainer.snapshot().unwrap();
        let probes = trainer.probe().unwrap();
        trainer.train(1).unwrap();
        let progress = trainer.progress().unwrap();
        for (probe, progress) in probes.iter().zip(&progress) {
            let probe = probe.as_ref().unwrap();
            assert_eq!(probe.loss, f64::from(progress.batch_loss), "{device}");
        }
        // The negative control: the minibatch after it has another loss.
        trainer.restore(&before).unwrap();
        trainer.train(2).unwrap();
        for (probe, progress) in probes.iter().zip(&trainer.progress().unwrap()) {
            assert_ne!(
                probe.as_ref().unwrap().loss,
                f64::from(progress.batch_loss),
                "{device}"
            );
        }
    }
}

/// Returns the online accuracies of two tasks of three epochs, by replica.
fn accuracies(images: ImageSet) -> Vec<[f64; 2]> {
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    let spec = TrainingSpec {
        network: Network::mlp(&[784, 32, 10], Activation::Relu).unwrap(),
        batch: 16,
        replicas: SEEDS.map(replica).to_vec(),
        stream: Some(TaskStream {
            kind: StreamKind::PermutedPixels,
            images,
            subset: 1_024,
            epochs: 3,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    };
    let mut trainer = Trainer::new(&Compute::Cpu, spec).unwrap();
    trainer.train(2 * 3 * 64).unwrap();
    let progress = trainer.progress().unwrap();
    progress
        .iter()
        .map(|progress| [0, 1].map(|task| progress.finished[task].online_accuracy))
        .collect()
}

#[test]
fn permuted_digits_can_be_learned_and_those_of_wrong_labels_cannot() {
    let mut digits = data::embedded().unwrap();
    let images = ImageSet::training(&digits).unwrap();
    // The negative control: every image has its neighbour's label.
    digits.train.labels.rotate_right(1);
    let wrong = ImageSet::training(&digits).unwrap();
    for (learned, control) in accuracies(images).iter().zip(accuracies(wrong)) {
        for (learned, control) in learned.iter().zip(control) {
            assert!(*learned > 0.6, "true labels: {learned}");
            assert!(control < 0.25, "wrong labels: {control}");
        }
    }
}
