//! Specifications outside their ranges. Each is refused with an error that names what was wanted and what was found.

use trainable::gpu::adapters;
use trainable::network::{Activation, Network};
use trainable::spec::{ImageSet, Optimiser, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Backend, Compute, Error, Trainer, wgpu};

fn spec() -> TrainingSpec {
    TrainingSpec {
        network: Network::mlp(&[4, 3, 2], Activation::Relu).unwrap(),
        batch: 2,
        replicas: vec![ReplicaSpec::default()],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&[0; 40], 4, 0.0, 1.0).unwrap(),
            subset: 6,
            epochs: 1,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: None,
    }
}

fn refusal(change: impl FnOnce(&mut TrainingSpec, &mut TaskStream)) -> String {
    let mut spec = spec();
    let mut stream = spec.stream.take().unwrap();
    change(&mut spec, &mut stream);
    spec.stream = Some(stream);
    let result = Trainer::new(&Compute::Cpu, spec);
    result
        .err()
        .map_or_else(|| "accepted".to_owned(), |error| error.to_string())
}

/// Makes the stream one of permuted pixels. Its images get `labels`, repeated as often as needed.
fn permute(stream: &mut TaskStream, labels: &[u8], relabel_fraction: f32) {
    let labels: Vec<u8> = labels.iter().copied().cycle().take(10).collect();
    stream.kind = StreamKind::PermutedPixels;
    stream.images = stream.images.clone().with_labels(&labels).unwrap();
    stream.relabel_fraction = relabel_fraction;
}

#[test]
fn the_specification_itself_is_accepted() {
    assert_eq!(refusal(|_, _| ()), "accepted");
    assert_eq!(refusal(|_, t| permute(t, &[0, 1], 1.0)), "accepted");
}

/// Makes the stream one of this kind. Its images get `labels`, repeated as often as needed.
fn turn(stream: &mut TaskStream, kind: StreamKind, labels: &[u8]) {
    permute(stream, labels, 1.0);
    stream.kind = kind;
}

#[test]
fn every_stream_says_what_it_cannot_take() {
    use StreamKind::{
        ClassPairs, GradualSwitches, GrowingData, HardEasy, LabelPermutation, NoisyLabels,
        RecurringTasks, Regression,
    };
    let on = |kind, labels: &'static [u8]| refusal(|_, t| turn(t, kind, labels));
    let relabelled = |kind| {
        refusal(|_, t| {
            turn(t, kind, &[0, 1]);
            t.relabel_fraction = 0.5;
        })
    };
    let true_labels = [
        LabelPermutation,
        NoisyLabels { share: 0.5 },
        ClassPairs,
        GrowingData { stages: 6 },
    ];
    let random_labels = [
        HardEasy,
        RecurringTasks { period: 1 },
        GradualSwitches { stretch: 1.0 },
    ];
    for kind in true_labels {
        assert_eq!(on(kind, &[0, 1]), "accepted", "{kind:?}");
        let error = relabelled(kind);
        assert!(
            error.starts_with("relabel fraction: wanted 1 with "),
            "{error}"
        );
        let error = refusal(|_, t| t.kind = kind);
        let wanted = "labels of the images: wanted a label for each image, which ";
        assert!(error.starts_with(wanted), "{error}");
    }
    for kind in random_labels {
        assert_eq!(relabelled(kind), "accepted", "{kind:?}");
        assert_eq!(refusal(|_, t| t.kind = kind), "accepted", "{kind:?}");
    }
    for (found, wanted) in [
        (
            relabelled(LabelPermutation),
            "relabel fraction: wanted 1 with label permutations, whose labels are permuted true ones, found 0.5",
        ),
        (
            on(LabelPermutation, &[0, 2]),
            "labels of the images: wanted below 2, the network's outputs, found 2",
        ),
        (
            on(NoisyLabels { share: 1.5 }, &[0, 1]),
            "share of noisy labels: wanted 0 to 1, found 1.5",
        ),
        (
            on(NoisyLabels { share: f32::NAN }, &[0, 1]),
            "share of noisy labels: wanted 0 to 1, found NaN",
        ),
        (
            on(GrowingData { stages: 0 }, &[0, 1]),
            "stages of growing data: wanted 1 to 6, found 0",
        ),
        (
            on(GrowingData { stages: 7 }, &[0, 1]),
            "stages of growing data: wanted 1 to 6, found 7",
        ),
        (
            on(RecurringTasks { period: 0 }, &[0]),
            "period of tasks: wanted 1 at least, found 0",
        ),
        (
            on(GradualSwitches { stretch: 0.0 }, &[0]),
            "stretch of a switch: wanted more than 0, and 1 at most, found 0",
        ),
        (
            on(GradualSwitches { stretch: 1.5 }, &[0]),
            "stretch of a switch: wanted more than 0, and 1 at most, found 1.5",
        ),
        (
            on(Regression { share: 0.0 }, &[0]),
            "share of the teacher: wanted more than 0, and 1 at most, found 0",
        ),
        (
            on(Regression { share: f32::NAN }, &[0]),
            "share of the teacher: wanted more than 0, and 1 at most, found NaN",
        ),
        (
            relabelled(Regression { share: 0.5 }),
            "relabel fraction: wanted 1 with regression, which has no labels, found 0.5",
        ),
        (
            refusal(|_, t| t.kind = Regression { share: 1.0 }),
            "accepted",
        ),
        (
            on(GradualSwitches { stretch: f32::NAN }, &[0]),
            "stretch of a switch: wanted more than 0, and 1 at most, found NaN",
        ),
        // A network with two outputs can tell any pair of classes apart.
        (on(ClassPairs, &[0, 1, 2]), "accepted"),
        (
            on(ClassPairs, &[0]),
            "classes for class pairs: wanted 2 to 65536, found 1",
        ),
        (
            on(ClassPairs, &[0, 7]),
            "images per task: wanted 8, one of each class, at least, found 6",
        ),
        (
            on(ClassPairs, &[0, 2]),
            "images of each class: wanted 2, the images per task divided by 3 classes, found 0 of class 1",
        ),
    ] {
        assert_eq!(found, wanted);
    }
}

#[test]
fn images_with_too_many_elements_are_refused() {
    let items = ["conv 8 kernel 3 padding 1", "flatten", "linear 2"];
    let items = items.map(|item| item.parse().unwrap());
    let message = refusal(|spec, _| {
        spec.network = Network::sequence([1, 256, 256], &items).unwrap();
        spec.batch = 1 << 13;
    });
    // The patches are the largest value: 2^13 x 2^16 x 12 elements.
    let wanted = "batch and network: wanted fewer than 2^32 elements of one replica in every value, \
                  found 6442450944";
    assert_eq!(message, wanted);
}

#[test]
fn every_number_out_of_range_is_named() {
    let replica = |spec: &mut TrainingSpec, change: fn(&mut ReplicaSpec)| {
        change(&mut spec.replicas[0]);
    };
    let optimiser = |spec: &mut TrainingSpec, optimiser| spec.replicas[0].optimiser = optimiser;
    let adam = |beta1, beta2, epsilon| Optimiser::Adam {
        beta1,
        beta2,
        epsilon,
    };
    let sgd = |momentum| Optimiser::Sgd { momentum };
    let refusals = [
        (
            refusal(|s, _| s.batch = 0),
            "batch: wanted 1 to 16,777,216, found 0",
        ),
        (
            refusal(|s, _| s.batch = 7),
            "images per task: wanted 7 (one batch) to 10 (the data set), found 6",
        ),
        (
            refusal(|_, t| t.subset = 11),
            "images per task: wanted 2 (one batch) to 10 (the data set), found 11",
        ),
        (
            refusal(|_, t| t.epochs = 0),
            "epochs per task: wanted 1 at least, found 0",
        ),
        (
            refusal(|_, t| t.epochs = u32::MAX),
            "samples per task: wanted fewer than 2^32, found 25769803770",
        ),
        (
            refusal(|_, t| (t.epochs, t.switch_seed) = (600_000_000, Some(1))),
            "samples per task: wanted fewer than 2^32, found 5400000000",
        ),
        (
            refusal(|s, t| (s.batch, t.epochs, t.switch_seed) = (6, 1, Some(1))),
            "steps per task: wanted 2 or more with a switch_seed, which draws lengths around it, found 1",
        ),
        (
            refusal(|_, t| t.relabel_fraction = 1.5),
            "relabel fraction: wanted 0 to 1, found 1.5",
        ),
        (
            refusal(|_, t| t.relabel_fraction = f32::NAN),
            "relabel fraction: wanted 0 to 1, found NaN",
        ),
        (
            refusal(|_, t| permute(t, &[0, 1], 0.5)),
            "relabel fraction: wanted 1 with permuted pixels, whose labels are the true ones, found 0.5",
        ),
        (
            refusal(|_, t| permute(t, &[0, 1], f32::NAN)),
            "relabel fraction: wanted 0 to 1, found NaN",
        ),
        (
            refusal(|_, t| permute(t, &[0, 2], 1.0)),
            "labels of the images: wanted below 2, the network's outputs, found 2",
        ),
        (
            refusal(|_, t| t.kind = StreamKind::PermutedPixels),
            "labels of the images: wanted a label for each image, which permuted pixels need, found none",
        ),
        (
            refusal(|s, _| s.replicas.clear()),
            "number of replicas: wanted 1 to 65,535, found 0",
        ),
        (
            refusal(|s, _| replica(s, |r| r.step_size = -1.0)),
            "step size: wanted 0 or more, finite, found -1",
        ),
        (
            refusal(|s, _| replica(s, |r| r.step_size = f32::INFINITY)),
            "step size: wanted 0 or more, finite, found inf",
        ),
        (
            refusal(|s, _| replica(s, |r| r.l2 = f32::NAN)),
            "l2: wanted 0 or more, finite, found NaN",
        ),
        (
            refusal(|s, _| optimiser(s, adam(1.0, 0.999, 1e-8))),
            "beta1: wanted 0 or more, below 1, found 1",
        ),
        (
            refusal(|s, _| optimiser(s, adam(0.9, -0.5, 1e-8))),
            "beta2: wanted 0 or more, below 1, found -0.5",
        ),
        (
            refusal(|s, _| optimiser(s, adam(0.9, 0.999, 0.0))),
            "epsilon: wanted more than 0, finite, found 0",
        ),
        (
            refusal(|s, _| replica(s, |r| r.l2_init = -0.1)),
            "l2_init: wanted 0 or more, finite, found -0.1",
        ),
        (
            refusal(|s, _| replica(s, |r| r.l2_init = f32::NAN)),
            "l2_init: wanted 0 or more, finite, found NaN",
        ),
        (
            refusal(|s, _| replica(s, |r| r.wasserstein = -1.0)),
            "wasserstein: wanted 0 or more, finite, found -1",
        ),
        (
            refusal(|s, _| replica(s, |r| r.wasserstein = f32::NAN)),
            "wasserstein: wanted 0 or more, finite, found NaN",
        ),
        (
            refusal(|s, _| optimiser(s, sgd(1.0))),
            "momentum: wanted 0 or more, below 1, found 1",
        ),
        (
            refusal(|s, _| optimiser(s, sgd(-0.1))),
            "momentum: wanted 0 or more, below 1, found -0.1",
        ),
        (
            refusal(|s, _| optimiser(s, sgd(f32::NAN))),
            "momentum: wanted 0 or more, below 1, found NaN",
        ),
        (
            refusal(|s, _| s.network = Network::mlp(&[5, 2], Activation::Relu).unwrap()),
            "network inputs: wanted 4 (the pixels of an image), found 5",
        ),
    ];
    for (found, wanted) in refusals {
        assert_eq!(found, wanted);
    }
}

#[test]
fn image_sets_that_make_no_sense_are_refused() {
    let message = |result: Result<ImageSet, Error>| result.unwrap_err().to_string();
    let wrong = message(ImageSet::new(&[0; 7], 4, 0.0, 1.0));
    assert_eq!(
        wrong,
        "image bytes: wanted one or more images of 4 bytes, found 7"
    );
    let wrong = message(ImageSet::new(&[], 4, 0.0, 1.0));
    assert_eq!(
        wrong,
        "image bytes: wanted one or more images of 4 bytes, found 0"
    );
    assert!(message(ImageSet::new(&[0; 4], 4, 0.0, 0.0)).starts_with("pixel statistics: wanted"));
    let pair = ImageSet::new(&[0; 8], 4, 0.0, 1.0).unwrap();
    assert_eq!(
        message(pair.with_labels(&[0; 3])),
        "labels of the images: wanted 2 elements, found 3"
    );
}

#[test]
fn an_unknown_backend_is_refused_with_the_known_ones() {
    let error = "cuda".parse::<Backend>().unwrap_err().to_string();
    assert_eq!(
        error,
        "backend: wanted auto, cpu, vulkan, metal, dx12, gl, found cuda"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_backend_that_is_not_there_is_an_error_that_lists_what_is() {
    let error = Compute::open(Backend::Metal)
        .expect_err("no Metal on Linux")
        .to_string();
    let found = error
        .strip_prefix("no Metal adapter found; adapters present: ")
        .unwrap_or_else(|| panic!("{error}"));
    for (adapter, _) in pollster::block_on(adapters(wgpu::Backends::all())) {
        assert!(found.contains(&adapter.to_string()), "{found}");
    }
}
