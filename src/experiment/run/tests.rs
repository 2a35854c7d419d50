use super::*;
use crate::experiment::presets::{Preset, Scale};
use crate::experiment::{Placebo, PlaceboKind};
use crate::scheduler::{BoundControl, Control};
use crate::spec::{Intervention, Optimiser, TrainingSpec};
use crate::trainer::Trainer;

/// 60 images of noise, as large as MNIST's.
fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..60 * 784_u32)
        .map(|i| (crate::rng::pcg4d([i, 5, 0, 0])[3] >> 24) as u8)
        .collect();
    ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap()
}

/// Two shapes, five replicas and two, and two placebos.
fn experiment() -> Experiment {
    let plain = Arm {
        hidden: vec![4],
        ..Arm::default()
    };
    let arm = |name: &str, arm: Arm| Arm {
        name: name.to_owned(),
        ..arm
    };
    let bound = Arm {
        control: Control::Bound(BoundControl::paper()),
        ..plain.clone()
    };
    let placebo = Arm {
        placebo: Some(Placebo {
            of: "bound".to_owned(),
            kind: PlaceboKind::Replay,
        }),
        ..plain.clone()
    };
    let deeper = Arm {
        hidden: vec![4, 4],
        ..plain.clone()
    };
    Experiment {
        images: 32,
        batch: 16,
        epochs: 3,
        tasks: 2,
        seeds: vec![1, 2],
        interval: 4,
        arms: vec![
            arm("plain", plain.clone()),
            arm("bound", bound),
            arm("deeper", deeper),
            arm(
                "regularised",
                Arm {
                    wasserstein: 0.01,
                    ..plain
                },
            ),
            arm("placebo", placebo),
        ],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

fn job<'a>(
    experiment: &'a Experiment,
    images: &'a ImageSet,
    controllers: &'a Controllers,
    device: &'a Small,
) -> Job<'a> {
    Job {
        experiment,
        controllers,
        device,
        images,
    }
}

/// The CPU as a device that is small.
struct Small {
    /// The number of replicas that it says fit.
    fit: usize,
    /// The number of replicas for which it has memory.
    memory: usize,
}

impl Small {
    fn with(fit: usize) -> Self {
        let memory = usize::MAX;
        Self { fit, memory }
    }
}

impl Device for Small {
    fn replicas_that_fit(&self, _: &TrainingSpec) -> Result<usize, Error> {
        Ok(self.fit)
    }

    fn trainer(&self, spec: TrainingSpec) -> Result<Trainer, Error> {
        if spec.replicas.len() <= self.memory {
            return Trainer::new(&Compute::Cpu, spec);
        }
        let buffer = "weights".to_owned();
        Err(gpu::Error::OutOfMemory { buffer, bytes: 1 }.into())
    }
}

/// The results on a small device, and the splits that were told.
fn train(device: &Small) -> (Results, Vec<(usize, usize)>) {
    let (mut splits, mut steps) = (Vec::new(), 0);
    let mut tell = |event: Event<'_>| match event {
        Event::Split { replicas, fit } => splits.push((replicas, fit)),
        Event::Steps(done) | Event::Resumed(done) => steps += done,
        _ => {}
    };
    let experiment = experiment();
    let trained = train_all(
        &job(&experiment, &images(), &Controllers::default(), device),
        None,
        &mut tell,
    );
    let (results, flow) = trained.unwrap();
    assert!(flow.is_continue());
    assert_eq!(steps, experiment.total_steps());
    (results, splits)
}

#[test]
fn replicas_that_train_in_turn_give_the_same_rows() {
    let (together, splits) = train(&Small::with(usize::MAX));
    assert_eq!(splits, []);
    assert_eq!(together.tasks.len(), 20);
    for (fit, wanted) in [
        (1, vec![(6, 1), (2, 1), (2, 1)]),
        (4, vec![(6, 4)]),
        (6, Vec::new()),
    ] {
        let (in_turn, splits) = train(&Small::with(fit));
        assert_eq!(splits, wanted);
        assert!(in_turn == together, "{fit} at a time");
    }
}

/// A device tells how much memory it has only by refusing more. One that has none for a single replica is an error.
#[test]
fn replicas_for_which_there_is_no_memory_train_in_turn() {
    let (together, _) = train(&Small::with(usize::MAX));
    let device = Small { fit: 5, memory: 2 };
    let (in_turn, splits) = train(&device);
    assert_eq!(splits, [(6, 5), (6, 3), (6, 2)]);
    assert!(in_turn == together);
    let (experiment, images, controllers) = (experiment(), images(), Controllers::default());
    let device = Small { fit: 5, memory: 0 };
    let job = job(&experiment, &images, &controllers, &device);
    let error = train_all(&job, None, &mut |_| {}).unwrap_err().to_string();
    assert_eq!(error, "the device has no memory for weights: 1 bytes");
}

/// Stopped at every checkpoint and gone on with another number of replicas at a time.
#[test]
fn how_many_fit_may_change_from_start_to_start() {
    let (wanted, _) = train(&Small::with(usize::MAX));
    let place = tempfile::tempdir().unwrap();
    let (experiment, images) = (experiment(), images());
    let controllers = Controllers::default();
    let mut starts = 0;
    let results = loop {
        let resumed = RunDirectory::resume(place.path(), &experiment, &Compute::Cpu, &images);
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mut directory = resumed
            .unwrap()
            .expect("unfinished")
            .stopped_by(stop.clone());
        let mut steps = 0;
        let tell = &mut |event: Event<'_>| {
            if let Event::Steps(done) = event {
                steps += done;
                stop.store(steps > 20, std::sync::atomic::Ordering::Relaxed);
            }
        };
        let device = Small::with([2, 5, 1, 3][starts % 4]);
        let keep = Some(&mut directory);
        let job = job(&experiment, &images, &controllers, &device);
        let trained = train_all(&job, keep, tell);
        let (results, flow) = trained.unwrap();
        if flow.is_continue() {
            break results;
        }
        starts += 1;
        assert!(starts < 100);
    };
    assert!(starts >= 4, "{starts}");
    assert!(results == wanted);
}

#[test]
fn the_cpu_takes_no_more_replicas_than_a_specification_may_have() {
    let one = experiment().one_of_each(
        &Network::mlp(&[784, 1, 2], crate::network::Activation::Relu).unwrap(),
        &images(),
        &experiment().arms[..1],
    );
    let fit = Compute::Cpu.replicas_that_fit(&one).unwrap();
    assert!((1..=65_535).contains(&fit), "{fit}");
}

/// An experiment of arms that no single arm could be: two methods renew units, and two optimisers need different buffers.
fn mixed() -> (Experiment, Network) {
    let base = experiment();
    let arm = |name: &str, optimiser, intervention| Arm {
        name: name.to_owned(),
        optimiser,
        interventions: vec![intervention],
        ..base.arms[0].clone()
    };
    let redo = Intervention::Redo { tau: 0.1, every: 4 };
    let resets = Intervention::SelfNormalisedResets {
        eta: 0.02,
        window: 100,
    };
    let muon = Optimiser::Muon {
        momentum: 0.95,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        adam_share: 0.1,
    };
    let adam_max = Optimiser::AdamMax {
        beta1: 0.9,
        beta2: 0.999,
        fast_beta2: 0.9,
        epsilon: 1e-8,
    };
    let arms = vec![arm("muon", muon, redo), arm("adam-max", adam_max, resets)];
    let experiment = Experiment { arms, ..base };
    let network = experiment.network(&experiment.arms[0]).unwrap();
    (experiment, network)
}

#[test]
fn arms_that_no_single_arm_could_be_train_together() {
    let (experiment, _) = mixed();
    experiment.check(&images()).unwrap();
    experiment.check_room(&Compute::Cpu, &images()).unwrap();
    let results = run(&experiment, &Compute::Cpu, &images(), |_| {}).unwrap();
    assert_eq!(results.tasks.len(), 2 * 2 * 2);
}

/// The stated number of replicas of several kinds fits, and one more does not.
#[test]
fn mixed_replicas_fit_as_counted() {
    let (experiment, network) = mixed();
    let images = images();
    let kinds = experiment.one_of_each(&network, &images, &experiment.arms);
    let limits = wgpu::Limits {
        max_storage_buffer_binding_size: 3_000_000,
        max_buffer_size: 3_000_000,
        ..wgpu::Limits::default()
    };
    let fit = crate::gpu::replicas_that_fit(&kinds, &limits).unwrap();
    let meets = |count: usize| {
        let members = (0..count).map(|i| (&experiment.arms[i % 2], i as u32));
        let spec = experiment.training_spec(&network, &images, &members.collect::<Vec<_>>());
        crate::Requirements::new(&spec)
            .unwrap()
            .check(&limits)
            .is_ok()
    };
    assert!(fit > 1 && meets(fit) && !meets(fit + 1), "{fit}");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_allocated() {
    let mut experiment = experiment();
    // 784 million parameters, 14 times over and more: 44 GB of two seeds.
    experiment.arms[0].hidden = vec![1_000_000];
    let (experiment, images) = (experiment, images());
    match experiment.check_room(&Compute::Cpu, &images) {
        Err(ExperimentError::Engine(Error::Memory {
            required,
            available,
            what,
            ..
        })) => {
            assert!(required > 14 * 4 * 784_000_000, "{required}");
            assert!(available < required, "{available}");
            assert_eq!(what, "a replica of 784-1000000-10 at minibatches of 16");
        }
        // A machine that has so much.
        found => found.unwrap(),
    }
}
