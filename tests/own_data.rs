//! Training on the user's own data: the inputs that reach the network, and the data that a run's file records; on the CPU
//! executor and on every adapter.

mod common;
#[path = "common/run.rs"]
mod run;

use std::fs;

use common::{Tolerance, compare, computes};
use run::Run;
use trainable::Compute;
use trainable::data::{Dataset, Description, Pixels, Shape, Split};
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Arm, Experiment, ExperimentError, scores, write_tables};
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::rng::pcg4d;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::tasks::{epoch_image, subset_image, task_pixel};

const CLASSES: u32 = 4;
const COUNT: u32 = 60;
const SHAPE: [u32; 3] = [3, 3, 5];
/// The number of values in one image.
const EACH: usize = 45;

/// Returns images whose colour tells their class: under noise, a channel is brighter where the class has the channel's bit.
fn colours(is_of_floats: bool) -> Dataset {
    let label = |image: u32| (image * 7 + image / 5) % CLASSES;
    let byte = |index: u32| {
        let (image, channel) = (index / EACH as u32, index / 15 % 3);
        let bright = (label(image) >> channel & 1) * 90 * (1 + channel);
        (bright / 2 + (pcg4d([8, 8, 8, index])[0] >> 8) % 50) as u8
    };
    let indices = 0..COUNT * EACH as u32;
    let pixels = match is_of_floats {
        false => Pixels::Bytes(indices.map(byte).collect()),
        // Floats have a scale that differs from that of bytes.
        true => Pixels::Floats(indices.map(|i| f32::from(byte(i)) * 1e3 - 7.5).collect()),
    };
    Dataset {
        name: "colours".to_owned(),
        classes: CLASSES,
        train: Split {
            shape: Shape::from(SHAPE),
            pixels,
            labels: (0..COUNT).map(label).collect(),
        },
        test: None,
    }
}

fn spec(images: ImageSet, kind: StreamKind) -> TrainingSpec {
    let replica = |seed| ReplicaSpec {
        seed,
        step_size: 1e-2,
        ..ReplicaSpec::default()
    };
    TrainingSpec {
        network: Network::mlp(&[EACH as u32, 8, CLASSES], Activation::Relu).unwrap(),
        batch: 10,
        replicas: [1, 2].map(replica).to_vec(),
        stream: Some(TaskStream {
            kind,
            images,
            subset: 40,
            epochs: 6,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    }
}

/// Returns each channel's pixels minus their mean, divided by their standard deviation, in f64 by two passes.
fn standardised(set: &Dataset) -> Vec<f64> {
    let mut values: Vec<f64> = match &set.train.pixels {
        Pixels::Bytes(pixels) => pixels.iter().map(|pixel| f64::from(*pixel)).collect(),
        Pixels::Floats(pixels) => pixels.iter().map(|pixel| f64::from(*pixel)).collect(),
    };
    for channel in 0..3 {
        let is_own = |index: &usize| index / 15 % 3 == channel;
        let own: Vec<usize> = (0..values.len()).filter(is_own).collect();
        let count = own.len() as f64;
        let mean = own.iter().map(|i| values[*i]).sum::<f64>() / count;
        let squares = own.iter().map(|i| (values[*i] - mean).powi(2));
        let deviation = (squares.sum::<f64>() / count).sqrt();
        for index in own {
            values[index] = (values[index] - mean) / deviation;
        }
    }
    values
}

#[test]
fn minibatches_hold_the_images_standardised_by_channel() {
    let tolerance = Tolerance {
        atol: 1e-5,
        rtol: 1e-5,
    };
    for (device, compute) in computes() {
        for (is_of_floats, kind) in [
            (false, StreamKind::RandomLabels),
            (false, StreamKind::PermutedPixels),
            (true, StreamKind::RandomLabels),
            (true, StreamKind::PermutedPixels),
        ] {
            let what = format!("{device}, floats: {is_of_floats}, {kind:?}");
            let set = colours(is_of_floats);
            let wanted = standardised(&set);
            let program = Program::new(&spec(ImageSet::training(&set).unwrap(), kind)).unwrap();
            let mut run = Run::new(&compute, &program);
            run.steps(1);
            for (replica, seed) in [1, 2].into_iter().enumerate() {
                let inputs = run.floats(program.buffers.activations[0], replica);
                let labels = run.words(program.buffers.labels, replica);
                for row in 0..10 {
                    let index = epoch_image(seed, 0, 0, 40, row);
                    let image = subset_image(seed, COUNT, index) as usize;
                    let pixel = |column: usize| match kind {
                        StreamKind::PermutedPixels => {
                            task_pixel(seed, 0, EACH as u32, column as u32) as usize
                        }
                        _ => column,
                    };
                    let own = &wanted[image * EACH..][..EACH];
                    let own: Vec<f64> = (0..EACH).map(|column| own[pixel(column)]).collect();
                    let found = &inputs[row as usize * 48..][..EACH];
                    let compared = compare(found.to_vec(), own.clone(), tolerance);
                    compared.unwrap_or_else(|error| panic!("{what}, row {row}: {error}"));
                    // The negative control: an image standardised with other statistics does not match.
                    let shifted = own.iter().map(|value| value + 0.01);
                    assert!(
                        compare(found.to_vec(), shifted, tolerance).is_err(),
                        "{what}"
                    );
                    if kind == StreamKind::PermutedPixels {
                        assert_eq!(labels[row as usize], set.train.labels[image], "{what}");
                    }
                }
            }
        }
    }
}

fn experiment(stream: StreamKind) -> Experiment {
    Experiment {
        name: "colours".to_owned(),
        stream,
        images: 40,
        batch: 10,
        epochs: 10, // 40 steps a task
        tasks: 2,
        seeds: vec![1, 2],
        interval: 20,
        indicators_every: 0,
        arms: vec![Arm {
            hidden: vec![16],
            step_size: 1e-2,
            ..Arm::default()
        }],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

fn accuracy(compute: &Compute, set: &Dataset) -> f64 {
    let images = ImageSet::training(set).unwrap();
    let experiment = experiment(StreamKind::PermutedPixels).on(&images);
    let results = trainable::experiment::run(&experiment, compute, &images, |_| {}).unwrap();
    scores(&experiment, &results.tasks).unwrap()[0]
        .mean
        .unwrap()
}

#[test]
fn colours_are_learned() {
    for (device, compute) in computes() {
        // The negative control: labels unrelated to the images can only be memorised, which takes longer.
        let mut wrong = colours(false);
        for (image, label) in (0..).zip(&mut wrong.train.labels) {
            *label = pcg4d([6, 6, 6, image])[0] % CLASSES;
        }
        let by_heart = accuracy(&compute, &wrong);
        for is_of_floats in [false, true] {
            let learned = accuracy(&compute, &colours(is_of_floats));
            let what = format!("{device}, floats: {is_of_floats}: {learned} against {by_heart}");
            assert!(learned > by_heart + 0.1 && learned > 0.8, "{what}");
        }
    }
}

#[test]
fn a_run_remembers_its_data() {
    let images = ImageSet::training(&colours(false)).unwrap();
    let unnamed = experiment(StreamKind::RandomLabels);
    let named = unnamed.clone().on(&images);
    let data = Description {
        name: "colours".to_owned(),
        shape: Shape::from(SHAPE),
        classes: CLASSES,
    };
    assert_eq!(named.data, Some(data));
    let text = toml::to_string(&named).unwrap();
    assert_eq!(toml::from_str::<Experiment>(&text).unwrap(), named);
    named.check(&images).unwrap();
    let refused = |experiment: &Experiment| match experiment.check(&images) {
        Err(error @ ExperimentError::Invalid { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        refused(&unnamed),
        "experiment \"colours\": data: wanted MNIST (1 x 28 x 28 pixels, 10 classes), found colours \
         (3 x 3 x 5 pixels, 4 classes)"
    );
    // The data that a file names stays, and the run then accepts no other data.
    let mut other = named.clone();
    other.data.as_mut().unwrap().classes = 5;
    assert_eq!(other.clone().on(&images), other);
    assert!(refused(&other).contains("wanted colours (3 x 3 x 5 pixels, 5 classes), found"));

    let results = trainable::experiment::run(&named, &Compute::Cpu, &images, |_| {}).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    write_tables(path, &named, &results).unwrap();
    fs::write(path.join("experiment.toml"), text).unwrap();
    let page = path.join("report.html");
    trainable::report::write_page(&[path], &page, trainable::report::Foreign::Keep).unwrap();
    let page = fs::read_to_string(page).unwrap();
    for wanted in [
        "Loss of trainability on random-label colours",
        "The line marks chance, 0.25.",
        "colours (3 x 3 x 5 pixels, 4 classes)",
        "Chance (1 in 4)",
    ] {
        assert!(page.contains(wanted), "no {wanted:?}");
    }
    assert!(!page.contains("MNIST"), "another data set's name");
    let picture = fs::read_to_string(path.join("accuracies.svg")).unwrap();
    assert!(picture.contains("random-label colours"), "{picture}");
}
