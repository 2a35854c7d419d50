//! The streams of tasks: each minibatch has the images and the labels that the stream's formula gives, to the bit, and the
//! stream has the property that it is named after; on the CPU executor and on every adapter.

mod common;
#[path = "common/run.rs"]
mod run;

use std::collections::{BTreeMap, BTreeSet};

use common::computes;
use run::Run;
use trainable::data::{Dataset, Pixels, Split};
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::rng::{Stream, draw, permute, stream_key};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::tasks::{
    Teacher, available_images, class_pair, easy_label, epoch_image, gradual_task, hard_task,
    noisy_label, pass_image, permuted_label, recurring_task, stretch_length, subset_image,
    task_label,
};

const TOTAL: u32 = 100;
const SUBSET: u32 = 30;
const CLASSES: u32 = 5;
const BATCH: u32 = 7;
/// Minibatches in an epoch: 30 images, 7 in a minibatch.
const BATCHES: u32 = 4;
const TASKS: u32 = 5;
const SEEDS: [u32; 3] = [1, 2, 3];
/// Without a seed every task has 8 updates; with this one, tasks have 4 to 12.
const SWITCH_SEEDS: [Option<u32>; 2] = [None, Some(3)];

fn true_label(image: u32) -> u32 {
    (image * 3 + image / 7) % CLASSES
}

/// Returns images whose first pixel is their number.
fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..TOTAL as u8).flat_map(|image| [image, 0, 7]).collect();
    let labels: Vec<u8> = (0..TOTAL).map(|image| true_label(image) as u8).collect();
    let images = ImageSet::new(&bytes, 3, 0.0, 1.0 / 255.0).unwrap();
    images.with_labels(&labels).unwrap()
}

fn spec(kind: StreamKind, relabel_fraction: f32, switch_seed: Option<u32>) -> TrainingSpec {
    let replica = |seed| ReplicaSpec {
        seed,
        ..ReplicaSpec::default()
    };
    TrainingSpec {
        network: Network::mlp(&[3, 2, CLASSES], Activation::Relu).unwrap(),
        batch: BATCH,
        replicas: SEEDS.map(replica).to_vec(),
        stream: Some(TaskStream {
            kind,
            images: images(),
            subset: SUBSET,
            epochs: 2,
            relabel_fraction,
            switch_seed,
        }),
        probe: None,
    }
}

/// A sample that reached the network.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    task: u32,
    /// The update of the task.
    step: u32,
    row: u32,
    image: u32,
    label: u32,
}

/// Trains for [`TASKS`] tasks, and returns the samples of each replica.
fn train(run: &mut Run<'_>, spec: &TrainingSpec) -> Vec<Vec<Seen>> {
    let lengths = spec.task_lengths();
    let mut seen = vec![Vec::new(); SEEDS.len()];
    for task in 0..TASKS {
        for step in 0..lengths.length_of(task) as u32 {
            run.steps(1);
            for (replica, seen) in seen.iter_mut().enumerate() {
                let buffers = &run.program.buffers;
                let inputs = run.floats(buffers.activations[0], replica);
                let labels = run.words(buffers.labels, replica);
                let columns = inputs.len() / labels.len();
                for row in 0..BATCH {
                    let image = inputs[row as usize * columns];
                    assert!((image - image.round()).abs() < 1e-3, "{image}");
                    seen.push(Seen {
                        task,
                        step,
                        row,
                        image: image.round() as u32,
                        label: labels[row as usize],
                    });
                }
            }
        }
    }
    seen
}

/// Returns the image and the label that belong where `seen` was: the formulas of the streams, on the host.
fn wanted(spec: &TrainingSpec, seed: u32, seen: &Seen) -> [u32; 2] {
    let stream = spec.stream.as_ref().unwrap();
    let Seen { task, step, .. } = *seen;
    let position = step * BATCH + seen.row;
    let in_epoch = position % (BATCHES * BATCH);
    let epoch = step / BATCHES;
    let relabelled = (stream.relabel_fraction * SUBSET as f32).round() as u32;
    let random = |task, index| task_label(seed, task, SUBSET, relabelled, CLASSES, index);
    let index = epoch_image(seed, task, epoch, SUBSET, in_epoch);
    let image = subset_image(seed, TOTAL, index);
    let own = true_label(image);
    match stream.kind {
        StreamKind::RandomLabels => [image, random(task, index)],
        StreamKind::PermutedPixels => panic!("tests/permuted_pixels.rs has it"),
        StreamKind::LabelPermutation => [image, permuted_label(seed, task, CLASSES, own)],
        StreamKind::NoisyLabels { share } => {
            let counts = [SUBSET, (share * SUBSET as f32).round() as u32];
            [image, noisy_label(seed, task, counts, CLASSES, index, own)]
        }
        StreamKind::ClassPairs => {
            let each = SUBSET / CLASSES;
            let index = pass_image(seed, task, 2 * each, position);
            let class = class_pair(seed, task, CLASSES)[(index / each) as usize];
            let of_class: Vec<u32> = (0..TOTAL).filter(|i| true_label(*i) == class).collect();
            let key = stream_key(seed, Stream::Subset, 1 + class, 0);
            let place = permute(key, of_class.len() as u32, index % each);
            [of_class[place as usize], index / each]
        }
        StreamKind::HardEasy => {
            let label = easy_label(seed, task, CLASSES);
            [
                image,
                label.unwrap_or_else(|| random(hard_task(task), index)),
            ]
        }
        StreamKind::GrowingData { stages } => {
            let available = available_images(task, stages, SUBSET);
            let index = pass_image(seed, task, available, position);
            let image = subset_image(seed, TOTAL, index);
            [image, true_label(image)]
        }
        StreamKind::RecurringTasks { period } => {
            [image, random(recurring_task(task, period), index)]
        }
        StreamKind::GradualSwitches { stretch } => {
            let length = spec.task_lengths().length_of(task) as u32;
            let stretch = stretch_length(length, (stretch * 65_536.0).round() as u32);
            [
                image,
                random(gradual_task(seed, task, index, step, stretch), index),
            ]
        }
        StreamKind::Regression { .. } => [image, image],
    }
}

/// The samples of one replica.
struct Record {
    seed: u32,
    seen: Vec<Seen>,
    /// Lengths of the tasks.
    lengths: Vec<u32>,
}

impl Record {
    fn of_task(&self, task: u32) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(move |seen| seen.task == task)
    }

    fn images(&self, task: u32) -> BTreeSet<u32> {
        self.of_task(task).map(|seen| seen.image).collect()
    }

    /// The label of every image of a task. Fails where an image has several.
    fn labels(&self, task: u32) -> BTreeMap<u32, u32> {
        let mut labels = BTreeMap::new();
        for seen in self.of_task(task) {
            let label = *labels.entry(seen.image).or_insert(seen.label);
            assert_eq!(label, seen.label, "{seen:?}");
        }
        labels
    }

    /// Whether no image of both tasks has another label, and the number of these images.
    fn same_labels(&self, a: u32, b: u32) -> (bool, usize) {
        let (a, b) = (self.labels(a), self.labels(b));
        let common = || {
            a.iter()
                .filter_map(|(image, label)| Some((label, b.get(image)?)))
        };
        (common().all(|(a, b)| a == b), common().count())
    }
}

/// Compares every sample of the stream with its formula on every device, and hands the records to `check`.
fn check_stream(kind: StreamKind, relabel_fraction: f32, check: impl Fn(&Record)) {
    for switch_seed in SWITCH_SEEDS {
        let spec = spec(kind, relabel_fraction, switch_seed);
        let program = Program::new(&spec).unwrap();
        let length = |task| spec.task_lengths().length_of(task) as u32;
        let lengths: Vec<u32> = (0..TASKS).map(length).collect();
        for (device, compute) in computes() {
            let samples = train(&mut Run::new(&compute, &program), &spec);
            for (seed, seen) in SEEDS.into_iter().zip(samples) {
                assert_eq!(seen.len() as u32, lengths.iter().sum::<u32>() * BATCH);
                for sample in &seen {
                    let found = [sample.image, sample.label];
                    let wanted = wanted(&spec, seed, sample);
                    assert_eq!(found, wanted, "{device}, seed {seed}: {sample:?}");
                }
                // The negative control: the formula with another seed.
                let differs = |s: &&Seen| [s.image, s.label] != wanted(&spec, seed + 1, s);
                assert!(seen.iter().filter(differs).count() > seen.len() / 4);
                let lengths = lengths.clone();
                check(&Record {
                    seed,
                    seen,
                    lengths,
                });
            }
        }
    }
}

#[test]
fn a_label_permutation_gives_every_class_one_label_and_every_task_another() {
    check_stream(StreamKind::LabelPermutation, 1.0, |record| {
        let mut orders = BTreeSet::new();
        for task in 0..TASKS {
            let pairs = record.of_task(task).map(|s| (true_label(s.image), s.label));
            let pairs: BTreeMap<u32, u32> = pairs.collect();
            let labels: BTreeSet<u32> = pairs.values().copied().collect();
            assert_eq!((pairs.len(), labels.len()), (5, 5), "{pairs:?}");
            for seen in record.of_task(task) {
                assert_eq!(seen.label, pairs[&true_label(seen.image)]);
            }
            orders.insert(labels_in_order(&pairs));
        }
        assert!(orders.len() > 3, "seed {}: {orders:?}", record.seed);
    });
}

fn labels_in_order(pairs: &BTreeMap<u32, u32>) -> Vec<u32> {
    pairs.values().copied().collect()
}

#[test]
fn a_share_of_noisy_labels_is_wrong_and_each_tasks_own() {
    check_stream(StreamKind::NoisyLabels { share: 0.4 }, 1.0, |record| {
        let wrong = |task| {
            let labels = record.labels(task).into_iter();
            let wrong = labels.filter(|(image, label)| true_label(*image) != *label);
            wrong.collect::<BTreeMap<u32, u32>>()
        };
        for task in 0..TASKS {
            let count = wrong(task).len();
            // 12 of 30 images have random labels; one in 5 of these is the true one.
            assert!((3..=12).contains(&count), "seed {}: {count}", record.seed);
            assert!(task == 0 || wrong(task) != wrong(task - 1));
        }
    });
    check_stream(StreamKind::NoisyLabels { share: 0.0 }, 1.0, |record| {
        let is_true = |s: &Seen| s.label == true_label(s.image);
        assert!(record.seen.iter().all(is_true));
    });
}

#[test]
fn a_pair_of_classes_has_two_labels_and_as_many_images_of_each() {
    check_stream(StreamKind::ClassPairs, 1.0, |record| {
        let mut pairs = BTreeSet::new();
        let mut images_of_a_class = BTreeMap::new();
        for (task, length) in (0..TASKS).zip(&record.lengths) {
            let classes = [0, 1].map(|label| {
                let of_label = record.of_task(task).filter(|seen| seen.label == label);
                let classes: BTreeSet<u32> = of_label.map(|s| true_label(s.image)).collect();
                assert_eq!(classes.len(), 1, "task {task}, label {label}");
                classes.into_iter().next().unwrap()
            });
            assert_ne!(classes[0], classes[1]);
            pairs.insert(classes);
            assert!(record.of_task(task).all(|seen| seen.label < 2));
            // 6 images of each class, in passes without a gap: counts differ by one at most.
            let mut counts = BTreeMap::new();
            let seen = record.of_task(task);
            seen.for_each(|seen| *counts.entry(seen.image).or_insert(0) += 1);
            assert_eq!(counts.len(), 12);
            let each = length * BATCH / 12;
            assert!(
                counts
                    .values()
                    .all(|count| (each..=each + 1).contains(count))
            );
            for class in classes {
                let images = counts.keys().copied().filter(|i| true_label(*i) == class);
                let images: BTreeSet<u32> = images.collect();
                // A class that comes back has the same images.
                let known = images_of_a_class.entry(class).or_insert(images.clone());
                assert_eq!(*known, images);
            }
        }
        assert!(pairs.len() > 2, "seed {}: {pairs:?}", record.seed);
    });
}

#[test]
fn hard_tasks_have_all_labels_and_easy_ones_a_single_one() {
    check_stream(StreamKind::HardEasy, 1.0, |record| {
        for task in 0..TASKS {
            let labels = record.labels(task);
            let distinct: BTreeSet<u32> = labels.values().copied().collect();
            match task % 2 {
                0 => assert!(distinct.len() > 3, "task {task}: {distinct:?}"),
                _ => assert_eq!(distinct.len(), 1, "task {task}"),
            }
        }
        assert!(!record.same_labels(0, 2).0 && !record.same_labels(2, 4).0);
    });
    // Without relabelling all hard tasks are the same; the easy ones still differ from them.
    check_stream(StreamKind::HardEasy, 0.0, |record| {
        assert!(record.same_labels(0, 2).0 && record.same_labels(0, 4).0);
        assert!(!record.same_labels(0, 1).0 && !record.same_labels(2, 3).0);
    });
}

#[test]
fn growing_data_keep_their_images_and_true_labels() {
    check_stream(StreamKind::GrowingData { stages: 4 }, 1.0, |record| {
        let is_true = |s: &Seen| s.label == true_label(s.image);
        assert!(record.seen.iter().all(is_true));
        let subset: Vec<u32> = (0..SUBSET)
            .map(|i| subset_image(record.seed, TOTAL, i))
            .collect();
        // floor(30 k / 4) for k = 1, 2, 3, 4, and all from then on.
        for (task, available) in (0..TASKS).zip([7, 15, 22, 30, 30]) {
            let first = subset[..available]
                .iter()
                .copied()
                .collect::<BTreeSet<u32>>();
            let samples = (record.lengths[task as usize] * BATCH) as usize;
            let found = record.images(task);
            assert!(found.is_subset(&first), "task {task}");
            assert!(found.len() == available.min(samples), "task {task}");
        }
    });
}

#[test]
fn recurring_tasks_have_their_labels_again() {
    for relabel_fraction in [1.0, 0.5] {
        let kind = StreamKind::RecurringTasks { period: 2 };
        check_stream(kind, relabel_fraction, |record| {
            for task in 0..TASKS - 2 {
                let (is_same, common) = record.same_labels(task, task + 2);
                assert!(is_same && common > 10, "task {task}: {common}");
                assert!(!record.same_labels(task, task + 1).0, "task {task}");
                // The order of the images does not come back.
                let order = |task| record.of_task(task).map(|seen| seen.image).take(28);
                assert!(!order(task).eq(order(task + 2)));
            }
        });
    }
}

#[test]
fn a_gradual_switch_begins_with_old_labels_and_ends_with_new_ones() {
    for relabel_fraction in [1.0, 0.5] {
        let kind = StreamKind::GradualSwitches { stretch: 0.75 };
        check_stream(kind, relabel_fraction, |record| {
            let relabelled = (relabel_fraction * SUBSET as f32) as u32;
            let labels = |task| -> BTreeMap<u32, u32> {
                let label =
                    |index| task_label(record.seed, task, SUBSET, relabelled, CLASSES, index);
                let image = |index| subset_image(record.seed, TOTAL, index);
                (0..SUBSET)
                    .map(|index| (image(index), label(index)))
                    .collect()
            };
            let mut last = BTreeMap::new();
            for seen in &record.seen {
                let new = labels(seen.task)[&seen.image];
                let old = labels(seen.task.max(1) - 1)[&seen.image];
                let length = record.lengths[seen.task as usize];
                let stretch = (f64::from(length) * 0.75).round() as u32;
                let is_wanted = match seen.step {
                    0 => seen.label == old,
                    step if step >= stretch => seen.label == new,
                    _ => seen.label == old || seen.label == new,
                };
                assert!(is_wanted || seen.task == 0 && seen.label == new, "{seen:?}");
                // No image goes back to its old label.
                let before = last.insert((seen.task, seen.image), seen.label);
                assert!(before.is_none_or(|before| before == seen.label || before == old));
            }
            // The negative control: within the stretch there are labels of both tasks.
            let within = record.seen.iter().filter(|seen| seen.task > 0);
            let changed =
                within.filter(|s| labels(s.task)[&s.image] != labels(s.task - 1)[&s.image]);
            let is_new = |seen: &&Seen| seen.label == labels(seen.task)[&seen.image];
            let (new, old): (Vec<&Seen>, Vec<&Seen>) = changed.partition(is_new);
            assert!(
                new.len() > 20 && old.len() > 20,
                "{} {}",
                new.len(),
                old.len()
            );
        });
    }
}

#[test]
fn regression_has_the_targets_of_its_teacher() {
    let kind = StreamKind::Regression { share: 0.25 };
    check_stream(kind, 1.0, |_| ());
    let bytes = |image: u32| [image as u8, 0, 7].map(f32::from);
    let floats =
        |image: u32| [0, 1, 2].map(|pixel| draw(3, Stream::Order, image, pixel) as f32 / 1e9 - 2.0);
    let stored: Vec<f32> = (0..TOTAL).flat_map(floats).collect();
    let of_floats = ImageSet::training(&Dataset {
        name: "floats".to_owned(),
        classes: CLASSES,
        train: Split {
            shape: [1, 1, 3].into(),
            pixels: Pixels::Floats(stored),
            labels: (0..TOTAL).map(true_label).collect(),
        },
        test: None,
    })
    .unwrap();
    check_targets(kind, images(), bytes);
    check_targets(kind, of_floats, floats);
}

/// Compares the targets of every minibatch with those of the teacher for the stored pixels of its images.
fn check_targets(kind: StreamKind, images: ImageSet, pixels: impl Fn(u32) -> [f32; 3]) {
    let mut spec = spec(kind, 1.0, None);
    spec.stream.as_mut().unwrap().images = images;
    let program = Program::new(&spec).unwrap();
    for (device, compute) in computes() {
        let mut run = Run::new(&compute, &program);
        let (mut matches, mut of_others, mut before) = (0, 0, 0);
        for task in 0..TASKS {
            for _ in 0..spec.task_lengths().length_of(task) {
                run.steps(1);
                for (replica, seed) in SEEDS.into_iter().enumerate() {
                    let found = run.floats(program.buffers.targets.unwrap(), replica);
                    let labels = run.words(program.buffers.labels, replica);
                    let columns = found.len() / labels.len();
                    let target = |seed, task, image| {
                        let mut target = [0.0; CLASSES as usize];
                        Teacher::new(seed, task, 16, 3, CLASSES)
                            .write_targets(&pixels(image), &mut target);
                        target.map(f64::from)
                    };
                    for (row, found) in found.chunks(columns).enumerate() {
                        if row >= BATCH as usize {
                            assert!(found.iter().all(|padding| padding.to_bits() == 0));
                            continue;
                        }
                        let (found, padding) = found.split_at(CLASSES as usize);
                        assert!(padding.iter().all(|padding| padding.to_bits() == 0));
                        let image = labels[row];
                        assert_eq!(
                            found,
                            target(seed, task, image),
                            "{device}, seed {seed}, task {task}"
                        );
                        matches += 1;
                        of_others += u32::from(found == target(seed + 1, task, image));
                        before += u32::from(found == target(seed, task + 1, image));
                    }
                }
            }
        }
        // The negative controls: the teachers of another seed and of another task.
        assert!(
            matches > 500 && of_others < matches / 4 && before < matches / 4,
            "{device}: {of_others}, {before}"
        );
    }
}
