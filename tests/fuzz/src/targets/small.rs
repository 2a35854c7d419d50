//! Experiments that take milliseconds.

use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Arm, Experiment, Placebo, PlaceboKind};
use trainable::network::Activation;
use trainable::scheduler::{BoundControl, ClipControl, Control};
use trainable::spec::{ImageSet, Optimiser, StreamKind, TaskSwitch};

/// Returns 40 images of noise, with labels.
pub(super) fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..40 * 784_u32)
        .map(|i| (trainable::rng::pcg4d([i, 5, 0, 0])[3] >> 24) as u8)
        .collect();
    let labels: Vec<u8> = (0..40).map(|i| i % 10).collect();
    let images = ImageSet::new(&bytes, 784, 0.5, 0.29).and_then(|set| set.with_labels(&labels));
    images.expect("40 images and labels")
}

/// Returns an experiment with an arm of every kind, and one on permuted pixels.
pub(super) fn experiments() -> [Experiment; 2] {
    let plain = Arm {
        name: "plain".to_owned(),
        hidden: vec![3],
        ..Arm::default()
    };
    let arm = |name: &str, control| Arm {
        name: name.to_owned(),
        control,
        ..plain.clone()
    };
    let placebo = |kind| Arm {
        placebo: Some(Placebo {
            of: "bound".to_owned(),
            kind,
        }),
        ..arm(&format!("{kind:?}"), Control::Constant)
    };
    let arms = vec![
        arm("bound", Control::Bound(BoundControl::paper())),
        arm(
            "clip, \"quoted\"",
            Control::Clip(ClipControl::update_clipping()),
        ),
        Arm {
            optimiser: Optimiser::Sgd { momentum: 0.9 },
            at_task_switch: TaskSwitch::FreshNetwork,
            activation: Activation::Crelu,
            l2_init: 0.01,
            wasserstein: 0.01,
            ..arm("regularised", Control::Constant)
        },
        Arm {
            hidden: vec![3, 2],
            at_task_switch: TaskSwitch::ResetOptimiser,
            ..arm("deeper", Control::Constant)
        },
        placebo(PlaceboKind::Replay),
        placebo(PlaceboKind::RandomCool),
    ];
    let labels = Experiment {
        name: "labels".to_owned(),
        images: 16,
        batch: 8,
        epochs: 2,
        tasks: 3,
        relabel_fraction: 0.5,
        seeds: vec![1, 2],
        interval: 3,
        indicators_every: 1,
        arms,
        ..Preset::Diagnosis.experiment(Scale::Small)
    };
    let pixels = Experiment {
        name: "pixels".to_owned(),
        stream: StreamKind::PermutedPixels,
        relabel_fraction: 1.0,
        switch_seed: Some(5),
        arms: vec![plain],
        ..labels.clone()
    };
    [labels, pixels]
}

/// Returns the experiment as the text of a file.
pub(super) fn as_toml(experiment: &Experiment) -> String {
    toml::to_string(experiment).expect("an experiment has a form as a file")
}

/// Returns whether the experiment is small enough to be run for each of many inputs.
pub(super) fn is_small(experiment: &Experiment) -> bool {
    let widths = experiment.arms.iter().map(|arm| {
        let hidden = arm.hidden.iter().map(|width| u64::from(*width));
        784 * hidden.clone().max().unwrap_or(10) + hidden.map(|width| width * width).sum::<u64>()
    });
    let batch = u64::from(experiment.batch);
    let probe = u64::from(experiment.probe.iterations) / u64::from(experiment.interval.max(1)) + 1;
    let work = widths.sum::<u64>().saturating_mul(batch * probe);
    let layers = experiment
        .arms
        .iter()
        .map(|arm| arm.hidden.len())
        .sum::<usize>();
    let steps = u64::from(experiment.tasks).saturating_mul(experiment.task_lengths().longest());
    let seeds = experiment.seeds.len() as u64;
    layers < 100 && work.saturating_mul(steps).saturating_mul(seeds) < 200_000_000
}
