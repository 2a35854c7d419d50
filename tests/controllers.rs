//! Controllers that a host brings, in a training loop of the host and in experiments with their tables, checkpoints and
//! pages.
#![cfg(feature = "report")]

#[path = "controllers/checkpoints.rs"]
mod checkpoints;
#[path = "controllers/scheduler.rs"]
mod scheduler;

use std::error::Error as _;

use serde::{Deserialize, Serialize};
use trainable::Compute;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Controllers, Event, Experiment, HostControl, Results, recorded_observations, run, run_with,
};
use trainable::record::ProbeRow;
use trainable::scheduler::{
    Action, BoundControl, Context, Controller, Estimator, Observation, Scheduler, Statistics,
};
use trainable::spec::ImageSet;

/// Halves every layer's step size at every `every`-th probe. It counts probes itself.
#[derive(Debug, Serialize, Deserialize)]
struct Halving {
    every: u32,
    seen: u32,
}

impl Controller for Halving {
    fn step_sizes(&mut self, _: &Observation, context: &Context<'_>) -> Vec<f64> {
        self.seen += 1;
        let factor = if self.seen.is_multiple_of(self.every) {
            0.5
        } else {
            1.0
        };
        context.step_sizes.iter().map(|eta| factor * eta).collect()
    }

    fn check_continues(&self, fresh: &Self) -> Result<(), trainable::Error> {
        assert_eq!(self.every, fresh.every);
        Ok(())
    }
}

/// A controller with the same rule that does not save its count of probes.
#[derive(Serialize, Deserialize)]
struct Forgetful {
    every: u32,
    #[serde(skip)]
    seen: u32,
}

impl Controller for Forgetful {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        let (every, seen) = (self.every, self.seen);
        let mut halving = Halving { every, seen };
        let step_sizes = halving.step_sizes(observation, context);
        self.seen = halving.seen;
        step_sizes
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HalvingParameters {
    every: u32,
}

/// A controller that returns the same step sizes for every observation.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Stubborn(Vec<f64>);

impl Controller for Stubborn {
    fn step_sizes(&mut self, _: &Observation, _: &Context<'_>) -> Vec<f64> {
        self.0.clone()
    }
}

/// A controller of a host that wraps the rule of [`BoundControl`].
#[derive(Serialize, Deserialize)]
struct Wrapped(BoundControl);

impl Controller for Wrapped {
    fn step_sizes(&mut self, observation: &Observation, context: &Context<'_>) -> Vec<f64> {
        self.0.step_sizes(observation, context)
    }

    fn estimator(&self) -> Option<Estimator> {
        Some(self.0.estimator)
    }
}

fn halving(HalvingParameters { every }: HalvingParameters) -> Result<Halving, String> {
    if every == 0 {
        return Err("every: wanted 1 or more, found 0".to_owned());
    }
    Ok(Halving { every, seen: 0 })
}

fn controllers() -> Controllers {
    #[derive(Deserialize)]
    struct StubbornParameters {
        step_sizes: Vec<f64>,
    }
    Controllers::default()
        .with("halving", halving)
        .with("stubborn", |p: StubbornParameters| {
            Ok(Stubborn(p.step_sizes))
        })
        .with("wrapped", |bound: BoundControl| Ok(Wrapped(bound)))
}

/// Returns 96 images of noise, as large as MNIST's.
fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..96 * 784_u32)
        .map(|i| (trainable::rng::pcg4d([i, 5, 0, 0])[3] >> 24) as u8)
        .collect();
    ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap()
}

const INTERVAL: u32 = 8;

/// Builds an experiment from the text of its `[[arms]]`. A task has 72 steps.
fn experiment(arms: &str) -> Experiment {
    let text = format!("name = 'x'\n{arms}");
    let read: Experiment = text.parse().unwrap_or_else(|error| panic!("{error}"));
    let small = |arm| trainable::experiment::Arm {
        hidden: vec![8, 6],
        ..arm
    };
    Experiment {
        images: 96,
        batch: 16,
        epochs: 12,
        tasks: 3,
        seeds: vec![1, 2, 3],
        interval: INTERVAL,
        arms: read.arms.into_iter().map(small).collect(),
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

fn halving_experiment() -> Experiment {
    experiment(
        "[[arms]]
        name = 'halved'
        host_control = { name = 'halving', parameters = { every = 5 } }
        [[arms]]
        name = 'left alone'
        [[arms]]
        name = 'replayed'
        placebo = { of = 'halved', kind = 'replay' }",
    )
}

fn train(experiment: &Experiment) -> Results {
    run_with(experiment, &controllers(), &Compute::Cpu, &images(), |_| {}).unwrap()
}

/// Returns the message of the error with which the run fails, and the error's cause.
fn refused(experiment: &Experiment, controllers: &Controllers) -> String {
    let tell = |_: Event<'_>| ();
    let ran = run_with(experiment, controllers, &Compute::Cpu, &images(), tell);
    let error = ran.expect_err("it was trained");
    let cause = error.source().map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

fn rows<'a>(results: &'a Results, arm: &str) -> Vec<&'a ProbeRow> {
    let rows = results.probes.iter();
    rows.filter(|row| row.arm == arm && !row.is_network())
        .collect()
}

#[test]
fn a_hosts_controller_steers_its_arm_and_no_other() {
    let experiment = halving_experiment();
    let results = train(&experiment);
    assert_eq!(results.tasks.len(), 3 * 3 * 3);
    let halved = rows(&results, "halved");
    assert_eq!(halved.len(), 3 * 26 * 3); // seeds, probes, layers
    for row in &halved {
        let probe = row.update / INTERVAL;
        let wanted = 1e-3 * 0.5_f64.powi((probe / 5) as i32);
        assert_eq!(row.next_step_size, Some(wanted), "probe {probe}");
        let action = if probe.is_multiple_of(5) {
            Action::Cool
        } else {
            Action::Hold
        };
        assert_eq!(row.action, Some(action), "probe {probe}");
        assert!(row.bound_combined.is_some());
    }
    // The replicas were trained with these step sizes, and the other arms were not.
    let last = halved.last().unwrap();
    assert_eq!(last.step_size, f64::from((1e-3_f64 / 32.0) as f32));
    let alone = rows(&results, "left alone");
    assert!(alone.iter().all(|row| row.next_step_size == Some(1e-3)));
    assert_ne!(alone.last().unwrap().weight_norm, last.weight_norm);
    // A placebo replays the record of a host's arm as it replays any other.
    let replayed = rows(&results, "replayed");
    let decided =
        |rows: &[&ProbeRow]| -> Vec<_> { rows.iter().map(|r| r.next_step_size).collect() };
    assert_eq!(decided(&replayed), decided(&halved));
}

#[test]
fn a_record_gives_a_hosts_controller_the_same_decisions() {
    let experiment = halving_experiment();
    let results = train(&experiment);
    let arm = &experiment.arms[0];
    for seed in [1, 2, 3] {
        let observed = recorded_observations(&experiment, arm, seed, &results.probes).unwrap();
        let decided = |every| {
            let mut scheduler = Scheduler::new(Halving { every, seen: 0 }, 1e-3, 3, seed).unwrap();
            let decisions = observed.iter().map(|o| scheduler.observe(o).unwrap());
            let step_sizes = decisions.flat_map(|decision| decision.step_sizes());
            step_sizes.map(Some).collect::<Vec<_>>()
        };
        let own = rows(&results, "halved")
            .into_iter()
            .filter(|row| row.seed == seed);
        let own: Vec<_> = own.map(|row| row.next_step_size).collect();
        assert_eq!(decided(5), own);
        assert_ne!(decided(6), own);
    }
}

#[test]
fn a_rule_decides_alike_as_a_hosts_and_as_a_built_in_one() {
    let numbers = "signal = 'combined', scope = 'per-layer', gate = 0.01, safety = 0.05, cool = 0.9, warm = 1.01, \
         warm_share = 0.1, warm_margin = 0.3, estimator = { window = 7 }";
    let results = train(&experiment(&format!(
        "[[arms]]
        name = 'built in'
        control = {{ bound = {{ {numbers} }} }}
        [[arms]]
        name = 'wrapped'
        host_control = {{ name = 'wrapped', parameters = {{ {numbers} }} }}"
    )));
    let probes = |arm: &str| -> Vec<ProbeRow> {
        let rows = results.probes.iter().filter(|row| row.arm == arm);
        let rename = |row: &ProbeRow| ProbeRow {
            arm: String::new(),
            ..row.clone()
        };
        rows.map(rename).collect()
    };
    assert!(probes("built in") == probes("wrapped"));
    let acted = |action| {
        rows(&results, "wrapped")
            .iter()
            .filter(|row| row.action == Some(action))
            .count()
    };
    assert!(acted(Action::Cool) > 5, "it hardly acted");
}

#[test]
fn what_a_host_does_not_have_is_refused_before_training() {
    let arm = |lines: &str| experiment(&format!("[[arms]]\nname = 'a'\n{lines}"));
    let named = |parameters: &str| {
        arm(&format!(
            "host_control = {{ name = 'halving', parameters = {parameters} }}"
        ))
    };
    let unknown = arm("host_control = { name = 'halfing' }");
    let known = "arm \"a\": host_control: wanted a controller of this program: \
         \"halving\", \"stubborn\", \"wrapped\", found \"halfing\"";
    assert_eq!(refused(&unknown, &controllers()), known);
    let none = "arm \"a\": host_control: wanted none, because this program has no controllers of its own, found \
         \"halfing\"";
    assert_eq!(refused(&unknown, &Controllers::default()), none);
    let error = run(&unknown, &Compute::Cpu, &images(), |_| panic!("trained")).unwrap_err();
    assert_eq!(
        error.source().unwrap().to_string(),
        none["arm \"a\": ".len()..]
    );

    let of = "arm \"a\": parameters of host_control: wanted ";
    for (parameters, message) in [
        ("{}", "those of \"halving\", found missing field `every`"),
        (
            "{ every = 0 }",
            "those of \"halving\", found every: wanted 1 or more, found 0",
        ),
        (
            "{ every = 2, x = 1 }",
            "those of \"halving\", found unknown field `x`, expected `every`",
        ),
        (
            "{ every = nan }",
            "finite numbers, found nan or inf in every",
        ),
        (
            "{ every = [1, { x = inf }] }",
            "finite numbers, found nan or inf in every",
        ),
    ] {
        assert_eq!(
            refused(&named(parameters), &controllers()),
            format!("{of}{message}")
        );
    }
    let both =
        arm("control = 'paper'\nhost_control = { name = 'halving', parameters = { every = 2 } }");
    let message = "arm \"a\": control: wanted constant beside a host_control, which takes its place, found another";
    assert_eq!(refused(&both, &controllers()), message);
    let mut both = halving_experiment();
    both.arms[2].host_control = both.arms[0].host_control.clone();
    let message = "arm \"replayed\": host_control: wanted none beside a placebo, which makes a control of its own, \
         found one";
    assert_eq!(refused(&both, &controllers()), message);
}

#[test]
fn step_sizes_that_cannot_be_end_the_run() {
    for (step_sizes, message) in [
        (
            "[0.1, 0.1]",
            "step sizes of the controller: wanted 3 elements, found 2",
        ),
        (
            "[0.1, 0.1, -0.1]",
            "step size after a probe: wanted 0 to 3.4028234663852886e38, found -0.1",
        ),
        (
            "[0.1, 1e39, 0.1]",
            "step size after a probe: wanted 0 to 3.4028234663852886e38, found 1000000000000000000000000000000000000000",
        ),
    ] {
        let stubborn = experiment(&format!(
            "[[arms]]\nname = 'a'\nhost_control = {{ name = 'stubborn', parameters = {{ step_sizes = {step_sizes} }} }}"
        ));
        assert_eq!(refused(&stubborn, &controllers()), message);
    }
    let mut scheduler = Scheduler::new(Stubborn(vec![f64::NAN]), 0.1, 1, 0).unwrap();
    let probed = Statistics {
        parameters: 1,
        step_size: 0.1,
        effective_step: None,
        sharpness: None,
        grad_norm_sq: 1.0,
        objective_grad_norm_sq: 1.0,
        grad_variance: 1.0,
        second_moment: 0.0,
    };
    let observation = Observation {
        task: 0,
        update: 1,
        progress: 0.5,
        batch: 1,
        epsilon: 0.0,
        layers: vec![probed],
        network: probed,
    };
    assert!(scheduler.observe(&observation).is_err());
    assert_eq!(scheduler.step_sizes(), [0.1]);
}

#[test]
fn files_keep_a_hosts_control() {
    let experiment = halving_experiment();
    let host = HostControl {
        name: "halving".to_owned(),
        parameters: [("every".to_owned(), 5.into())].into_iter().collect(),
    };
    assert_eq!(experiment.arms[0].host_control, Some(host));
    let [full, short] = [
        toml::to_string(&experiment).unwrap(),
        experiment.to_short_toml().unwrap(),
    ];
    for text in [full, short] {
        assert_eq!(text.parse(), Ok(experiment.clone()), "{text}");
        assert!(text.contains("halving"), "{text}");
    }
    // The file of an experiment without a host's controller has no field for one.
    let mut plain = experiment;
    plain.arms.remove(0);
    let text = toml::to_string(&plain).unwrap();
    assert!(!text.contains("host_control"), "{text}");
}
