//! Experiments from end to end on the CPU executor: the recorded rows match the decisions and the training.
#![cfg(feature = "report")]

#[path = "experiment/placebos.rs"]
mod placebos;
#[path = "experiment/refusals.rs"]
mod refusals;
#[path = "experiment/scores.rs"]
mod scores;

use std::collections::VecDeque;

use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Arm, Event, Experiment, Results, recorded_observations, run, scores, write_tables,
};
use trainable::network::Activation;
use trainable::record::ProbeRow;
use trainable::scheduler::{
    Action, BoundControl, ClipControl, Control, Schedule, Scheduler, Scope, Shape,
};
use trainable::spec::{ImageSet, Optimiser};
use trainable::tasks::task_length;
use trainable::{Compute, Halt, HaltCause};

/// Returns 300 images of noise, as large as MNIST's.
fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..300 * 784_u32)
        .map(|i| (trainable::rng::pcg4d([i, 5, 0, 0])[3] >> 24) as u8)
        .collect();
    ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap()
}

fn small(arms: Vec<Arm>) -> Experiment {
    Experiment {
        images: 96,
        batch: 16,
        epochs: 12, // 72 steps a task
        tasks: 3,
        seeds: vec![1, 2],
        interval: 8,
        arms,
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

fn arm(name: &str, control: Control) -> Arm {
    Arm {
        name: name.to_owned(),
        hidden: vec![16, 12],
        l2: 1e-3,
        control,
        ..Arm::default()
    }
}

/// Returns the paper's control, changed so that it acts more often in so short a run.
fn paper() -> BoundControl {
    BoundControl {
        gate: Some(0.01),
        safety: 0.05,
        ..BoundControl::paper()
    }
}

fn train(experiment: &Experiment) -> Results {
    run(experiment, &Compute::Cpu, &images(), |_| {}).unwrap()
}

fn rows_of<'a>(results: &'a Results, arm: &str, seed: u32, layer: &str) -> Vec<&'a ProbeRow> {
    let rows = results.probes.iter();
    rows.filter(|row| row.arm == arm && row.seed == seed && row.layer == layer)
        .collect()
}

/// Writes probes.csv and reads its rows back, as a reader of the file would.
fn through_csv(results: &Results, experiment: &Experiment) -> Vec<ProbeRow> {
    let directory = tempfile::tempdir().unwrap();
    write_tables(directory.path(), experiment, results).unwrap();
    let mut reader = csv::Reader::from_path(directory.path().join("probes.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_record_that_no_run_wrote_is_an_error() {
    let experiment = small(vec![arm("constant", Control::Constant)]);
    let rows = train(&experiment).probes;
    let found = |change: &dyn Fn(&mut Vec<ProbeRow>)| {
        let mut rows = rows.clone();
        change(&mut rows);
        let found = recorded_observations(&experiment, &experiment.arms[0], 1, &rows);
        found.map_err(|error| error.to_string())
    };
    assert_eq!(found(&|_| {}).unwrap().len(), 26);
    for (message, change) in [
        (
            "layer of a recorded probe: wanted network, after 3 layers at update 8, found 3",
            (&|rows: &mut Vec<ProbeRow>| rows.insert(3, rows[2].clone()))
                as &dyn Fn(&mut Vec<ProbeRow>),
        ),
        (
            "layer of a recorded probe: wanted 3 at update 8, found network",
            &|rows| drop(rows.remove(2)),
        ),
        (
            "layer of a recorded probe: wanted 1 at update 8, found 0",
            &|rows| rows[0].layer = "0".to_owned(),
        ),
        (
            "task of a recorded probe: wanted 1 or more at update 8, found 0",
            &|rows| rows[3].task = 0,
        ),
        (
            "rows of the last recorded probe: wanted 3 layers and then the network, found 2 layers alone",
            &|rows| {
                let end = rows.iter().position(|row| row.seed == 2).unwrap();
                rows.truncate(end - 2);
            },
        ),
    ] {
        assert_eq!(found(change).unwrap_err(), message);
    }
}

#[test]
fn replaying_a_probes_csv_gives_the_same_decisions() {
    let global = BoundControl {
        scope: Scope::Global,
        ..paper()
    };
    let clip = ClipControl {
        threshold: 1.0,
        ..ClipControl::update_clipping()
    };
    let cosine = Schedule {
        shape: Shape::Cosine,
        end_share: 0.1,
    };
    let experiment = small(vec![
        arm("per layer", Control::Bound(paper())),
        arm("global", Control::Bound(global)),
        arm("unbiased", Control::Bound(BoundControl::unbiased())),
        arm("clip", Control::Clip(clip)),
        arm("cosine", Control::Schedule(cosine)),
    ]);
    let rows = through_csv(&train(&experiment), &experiment);
    for arm in &experiment.arms {
        for seed in [1, 2] {
            let mut scheduler = Scheduler::new(arm.control.clone(), 1e-3, 3, seed).unwrap();
            let own: Vec<_> = rows
                .iter()
                .filter(|row| row.arm == arm.name && row.seed == seed && !row.is_network())
                .collect();
            let observations = recorded_observations(&experiment, arm, seed, &rows).unwrap();
            assert_eq!(observations.len(), 26, "{}", arm.name); // 216 steps, every 8, not the first
            let mut actions = Vec::new();
            for (observation, rows) in observations.iter().zip(own.chunks(3)) {
                let decision = scheduler.observe(observation).unwrap();
                for (decided, row) in decision.layers.iter().zip(rows) {
                    assert_eq!(Some(decided.action), row.action);
                    assert_eq!(Some(decided.step_size), row.next_step_size);
                    actions.push(decided.action);
                }
            }
            let acted = actions
                .iter()
                .filter(|action| **action != Action::Hold)
                .count();
            assert!(acted >= 5, "{} acted {acted} times in all", arm.name);
        }
    }
}

/// Computes METHOD.md directly: the bounds and the controller of the published code, for the record of one layer.
fn paper_by_hand(rows: &[&ProbeRow], first_layer: &[&ProbeRow], network: &[&ProbeRow]) -> Vec<f64> {
    let (control, batch) = (paper(), 16.0);
    let mut eta = 1e-3;
    let mut window = VecDeque::new();
    let mut etas = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let x = row.sharpness.unwrap() * first_layer[i].step_size
            / (network[i].second_moment.sqrt() + 1e-8);
        window.push_back(x);
        if window.len() > 30 {
            window.pop_front();
        }
        let m = window.iter().sum::<f64>() / window.len() as f64;
        let v = (x - m) * (x - m);
        let (g2, s) = (row.objective_grad_norm_sq, row.grad_variance);
        let bound = batch * g2 / (s + 20.0 * g2 * v);
        let alpha = row.effective_step.unwrap();
        let progress = f64::from(row.update % 72) / 72.0;
        if alpha > 0.05 * bound && alpha > 0.01 {
            eta *= control.cool;
        } else if progress < 0.1 && alpha < 0.3 * 0.05 * bound {
            eta *= control.warm;
        }
        etas.push(eta);
    }
    etas
}

#[test]
fn the_paper_profile_follows_its_formulas_on_recorded_statistics() {
    let experiment = small(vec![arm("paper", Control::Bound(paper()))]);
    let results = train(&experiment);
    let (mut cooled, mut warmed, mut told_apart) = (0, 0, 0);
    for seed in [1, 2] {
        let record = |layer| rows_of(&results, "paper", seed, layer);
        for layer in ["1", "2", "3"] {
            let expected = paper_by_hand(&record(layer), &record("1"), &record("network"));
            let rows = record(layer);
            let found: Vec<f64> = rows.iter().map(|row| row.next_step_size.unwrap()).collect();
            assert_eq!(found.len(), 26);
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
            }
            let acted = |action| rows.iter().filter(|row| row.action == Some(action)).count();
            cooled += acted(Action::Cool);
            warmed += acted(Action::Warm);
            // The negative control: the bounds of another layer give other decisions.
            let other = record(if layer == "1" { "3" } else { "1" });
            let by_other = paper_by_hand(&other, &record("1"), &record("network"));
            told_apart += usize::from(by_other != expected);
        }
    }
    assert!(
        cooled >= 5 && warmed >= 5,
        "cooled {cooled} times, warmed {warmed} times"
    );
    assert!(
        told_apart >= 4,
        "{told_apart} of 6 differ from another layer's"
    );
}

#[test]
fn what_is_decided_at_a_probe_is_trained_on_from_there() {
    let experiment = small(vec![arm("per layer", Control::Bound(paper()))]);
    let results = train(&experiment);
    for layer in ["1", "2", "3"] {
        for pair in rows_of(&results, "per layer", 1, layer).windows(2) {
            let decided = pair[0].next_step_size.unwrap() as f32;
            assert_eq!(f64::from(decided), pair[1].step_size);
        }
    }
    // The scheduler matters: without it, the weights differ.
    let constant = train(&small(vec![arm("per layer", Control::Constant)]));
    let last = |results: &Results| {
        rows_of(results, "per layer", 1, "network")
            .last()
            .unwrap()
            .weight_norm
    };
    assert_ne!(last(&results), last(&constant));
}

/// Rows and schedules follow the drawn lengths. A schedule sees the share of the current task's own length.
#[test]
fn rows_and_schedules_follow_random_switches() {
    let cosine = Schedule {
        shape: Shape::Cosine,
        end_share: 0.1,
    };
    let experiment = Experiment {
        switch_seed: Some(5),
        tasks: 4,
        indicators_every: 2,
        ..small(vec![
            arm("constant", Control::Constant),
            arm("cosine", Control::Schedule(cosine)),
        ])
    };
    let ends: Vec<u32> = (0..4)
        .map(|task| task_length(5, task, 72, 36) as u32)
        .scan(0, |end, length| {
            *end += length;
            Some(*end)
        })
        .collect();
    let task_of = |update: u32| ends.iter().filter(|end| **end <= update).count();
    let results = train(&experiment);
    let tasks: Vec<_> = results.tasks.iter().map(|row| row.task).collect();
    assert_eq!(tasks, [1, 2, 3, 4].repeat(4));
    let rows = through_csv(&results, &experiment);
    let networks = rows.iter().filter(|row| row.is_network());
    assert_eq!(networks.count(), 4 * ((ends[3] as usize - 1) / 8));
    for row in &rows {
        assert_eq!(row.task as usize, 1 + task_of(row.update), "{}", row.update);
    }
    assert!(!results.indicators.is_empty());
    for row in &results.indicators {
        assert_eq!(row.task as usize, 1 + task_of(row.update), "{}", row.update);
    }
    // The cosine by hand, over each task's own length; over equal lengths as the negative control.
    let cosine =
        |share: f64| 1e-3 * (0.1 + 0.9 * (1.0 + (std::f64::consts::PI * share).cos()) / 2.0);
    let mut others = 0;
    for row in rows
        .iter()
        .filter(|row| row.arm == "cosine" && !row.is_network())
    {
        let task = task_of(row.update);
        let begin = task.checked_sub(1).map_or(0, |before| ends[before]);
        let share = f64::from(row.update - begin) / f64::from(ends[task] - begin);
        let found = row.next_step_size.expect("a schedule decides");
        assert!((found - cosine(share)).abs() < 1e-12, "{}", row.update);
        let equal = cosine(f64::from(row.update % 72) / 72.0);
        others += usize::from((found - equal).abs() > 1e-6);
    }
    assert!(others > 20, "only {others} step sizes differ");
    for arm in &experiment.arms {
        let observations = recorded_observations(&experiment, arm, 1, &rows).unwrap();
        let mut scheduler = Scheduler::new(arm.control.clone(), 1e-3, 3, 1).unwrap();
        let own: Vec<_> = rows_of(&results, &arm.name, 1, "1");
        assert_eq!(observations.len(), own.len());
        for (observation, row) in observations.iter().zip(own) {
            let decision = scheduler.observe(observation).unwrap();
            assert_eq!(Some(decision.layers[0].step_size), row.next_step_size);
        }
    }
}

#[test]
fn an_arm_trains_as_it_would_alone_whatever_its_neighbours() {
    let crelu = Arm {
        activation: Activation::Crelu,
        ..arm("CReLU", Control::Constant)
    };
    let sgd = Arm {
        optimiser: Optimiser::Sgd { momentum: 0.9 },
        step_size: 0.01,
        ..arm("SGD", Control::Bound(paper()))
    };
    let wasserstein = Arm {
        l2: 0.0,
        wasserstein: 5e-4,
        ..arm("Wasserstein", Control::Constant)
    };
    let arms = vec![
        arm("per layer", Control::Bound(paper())),
        crelu,
        sgd,
        wasserstein,
    ];
    let together = train(&small(arms.clone()));
    assert_eq!(together.tasks.len(), 4 * 2 * 3);
    for arm in arms {
        let name = arm.name.clone();
        let alone = train(&small(vec![arm]));
        let own = |results: &Results| -> Vec<_> {
            results
                .tasks
                .iter()
                .filter(|row| row.arm == name)
                .cloned()
                .collect()
        };
        assert_eq!(own(&together), own(&alone), "{name}");
        let probes = |results: &Results| -> Vec<_> {
            results
                .probes
                .iter()
                .filter(|row| row.arm == name)
                .cloned()
                .collect()
        };
        assert_eq!(probes(&together), probes(&alone), "{name}");
    }
}

#[test]
fn a_diverged_replica_is_told_once_and_its_scheduler_does_nothing() {
    let wild = Arm {
        step_size: 1e30,
        ..arm("wild", Control::Bound(paper()))
    };
    let calm = arm("calm", Control::Bound(paper()));
    let experiment = small(vec![calm.clone(), wild]);
    let mut told: Vec<(String, u32, Halt)> = Vec::new();
    let results = run(&experiment, &Compute::Cpu, &images(), |event| {
        if let Event::Diverged { arm, seed, halt } = event {
            told.push((arm.to_owned(), seed, halt));
        }
    })
    .unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    for (arm, _, halt) in &told {
        assert_eq!((&arm[..], halt.task), ("wild", 0));
        assert!(matches!(halt.cause, HaltCause::Loss | HaltCause::Update));
    }
    assert!(results.tasks.iter().all(|row| row.arm == "calm"));
    assert!(results.probes.iter().all(|row| row.arm == "calm"));
    assert_eq!(results, train(&small(vec![calm])));
    let scores = scores(&experiment, &results.tasks).unwrap();
    assert_eq!(
        (scores[1].seeds, scores[1].diverged, scores[1].mean),
        (0, 2, None)
    );
}
