//! Experiments from end to end on the CPU executor: the recorded rows match the decisions and the training.
#![cfg(feature = "report")]

use std::collections::VecDeque;

use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{
    Arm, Event, Experiment, Placebo, PlaceboKind, Results, differences, recorded_observations, run,
    scores, write_tables,
};
use trainable::network::Activation;
use trainable::record::ProbeRow;
use trainable::scheduler::{
    Action, BoundControl, ClipControl, Control, Schedule, Scheduler, Scope, Shape,
};
use trainable::spec::{ImageSet, Optimiser, StreamKind};
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

#[test]
fn placebos_keep_what_they_say() {
    let original = arm("original", Control::Bound(paper()));
    let placebo = |name: &str, kind| Arm {
        placebo: Some(Placebo {
            of: "original".to_owned(),
            kind,
        }),
        ..arm(name, Control::Constant)
    };
    let results = train(&small(vec![
        original,
        placebo("always", PlaceboKind::AlwaysCool),
        placebo("random", PlaceboKind::RandomCool),
        placebo("replay", PlaceboKind::Replay),
    ]));
    let next = |arm: &str, seed, layer| -> Vec<f64> {
        let rows = rows_of(&results, arm, seed, layer);
        rows.iter().map(|row| row.next_step_size.unwrap()).collect()
    };
    for layer in ["1", "2", "3"] {
        assert_eq!(next("replay", 1, layer), next("original", 2, layer));
        assert_eq!(next("replay", 2, layer), next("original", 1, layer));
    }
    // The seeds' step sizes differ, so the replay is not what the arm would have done by itself.
    assert_ne!(
        ["1", "2", "3"].map(|layer| next("original", 1, layer)),
        ["1", "2", "3"].map(|layer| next("original", 2, layer)),
    );
    let log_end = |arm: &str| -> f64 {
        let ends = [1, 2].into_iter().flat_map(|seed| {
            ["1", "2", "3"].map(|layer| next(arm, seed, layer).last().unwrap().ln())
        });
        ends.sum::<f64>() / 6.0
    };
    // Each of the 26 probes rounds to f32, an error of 6e-8.
    assert!((log_end("always") - log_end("original")).abs() < 2e-6);
    assert!(log_end("original") < 1e-3_f64.ln() - 0.1);
    let cooled = |arm: &str| {
        let of_arm = results.probes.iter().filter(|row| row.arm == arm);
        of_arm
            .filter(|row| row.action == Some(Action::Cool))
            .count()
    };
    let (random, original) = (cooled("random") as f64, cooled("original") as f64);
    // There are 156 draws; the test allows four standard deviations.
    assert!(
        (random - original).abs() <= 4.0 * (156.0_f64 * 0.25).sqrt(),
        "{random} {original}"
    );
    assert!(random > 0.0 && cooled("always") == 156);
}

/// An arm that was never probed leaves nothing to imitate: its placebos keep their step size.
#[test]
fn placebos_of_an_arm_without_probes_leave_step_sizes_alone() {
    let kinds = [
        PlaceboKind::AlwaysCool,
        PlaceboKind::RandomCool,
        PlaceboKind::Replay,
    ];
    let placebos = kinds.map(|kind| Arm {
        placebo: Some(Placebo {
            of: "original".to_owned(),
            kind,
        }),
        ..arm(&format!("{kind:?}"), Control::Constant)
    });
    let original = arm("original", Control::Bound(paper()));
    let arms = [&[original][..], &placebos].concat();
    let results = train(&Experiment {
        interval: 100_000,
        ..small(arms)
    });
    let accuracies = |arm: &str| -> Vec<f64> {
        let own = results.tasks.iter().filter(|row| row.arm == arm);
        own.map(|row| row.online_accuracy).collect()
    };
    for arm in placebos {
        assert_eq!(
            accuracies(&arm.name),
            accuracies("original"),
            "{}",
            arm.name
        );
    }
}

#[test]
fn scores_and_differences_are_those_computed_by_hand() {
    let experiment = small(vec![
        arm("L2: constant", Control::Constant),
        arm("L2: per layer", Control::Bound(paper())),
    ]);
    let results = train(&experiment);
    let of = |arm: &str, seed: u32| -> Vec<f64> {
        let rows = results.tasks.iter();
        rows.filter(|row| row.arm == arm && row.seed == seed)
            .map(|row| row.online_accuracy)
            .collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let means = |arm: &str| [1, 2].map(|seed| mean(&of(arm, seed)));
    let scores = scores(&experiment, &results.tasks).unwrap();
    assert_eq!(scores.len(), 2);
    for score in &scores {
        let [a, b] = means(&score.arm);
        assert!((score.mean.unwrap() - (a + b) / 2.0).abs() < 1e-12);
        // With two seeds, the percentile interval of the mean reaches from one seed to the other.
        assert!((score.mean_low.unwrap() - a.min(b)).abs() < 1e-12);
        assert!((score.mean_high.unwrap() - a.max(b)).abs() < 1e-12);
        // Student's t with 1 degree of freedom: tan(0.475 pi) standard errors, each half the distance of the seeds.
        let half = (0.475 * std::f64::consts::PI).tan() * (a - b).abs() / 2.0;
        let (low, high) = score.t_interval().unwrap();
        assert!((low - ((a + b) / 2.0 - half)).abs() < 1e-9 && half > 1e-4);
        assert!((high - ((a + b) / 2.0 + half)).abs() < 1e-9);
        let worst = [1, 2].map(|seed| of(&score.arm, seed).into_iter().fold(1.0, f64::min));
        assert!((score.worst_task.unwrap() - mean(&worst)).abs() < 1e-12);
    }
    let differences = differences(&experiment, &results.tasks).unwrap();
    let [own, first] = ["L2: per layer", "L2: constant"].map(means);
    assert_eq!(
        (differences.len(), &differences[0].against[..]),
        (1, "L2: constant")
    );
    let expected = (own[0] - first[0] + own[1] - first[1]) / 2.0;
    assert!((differences[0].difference - expected).abs() < 1e-12);
    let apart = ((own[0] - first[0]) - (own[1] - first[1])).abs();
    let half = (0.475 * std::f64::consts::PI).tan() * apart / 2.0;
    assert!((differences[0].t_low - (expected - half)).abs() < 1e-9 && half > 1e-4);
    assert!((differences[0].t_high - (expected + half)).abs() < 1e-9);
}

#[test]
fn an_arm_is_compared_with_what_it_would_be_if_left_alone() {
    let strong = |name, control| Arm {
        l2: 0.1,
        ..arm(name, control)
    };
    let experiment = small(vec![
        arm("weak", Control::Constant),
        strong("strong", Control::Constant),
        strong("strong + scheduler", Control::Bound(paper())),
        arm("weak + scheduler", Control::Bound(paper())),
    ]);
    let differences = differences(&experiment, &train(&experiment).tasks).unwrap();
    let pairs: Vec<_> = differences
        .iter()
        .map(|row| (&row.arm[..], &row.against[..]))
        .collect();
    let wanted = [
        ("strong", "weak"),
        ("strong + scheduler", "strong"),
        ("weak + scheduler", "weak"),
    ];
    assert_eq!(pairs, wanted);
}

#[test]
fn impossible_experiments_are_refused_before_anything_is_trained() {
    let refusal = |change: fn(&mut Experiment)| {
        let mut experiment = small(vec![
            arm("a", Control::Constant),
            arm("b", Control::Bound(paper())),
        ]);
        change(&mut experiment);
        let error = run(&experiment, &Compute::Cpu, &images(), |_| panic!("trained")).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        error.to_string() + &source.unwrap_or_default()
    };
    for (change, wanted) in [
        (
            (|e| e.arms.clear()) as fn(&mut Experiment),
            "experiment \"smoke\": arms: wanted 1 to 10,000, of different names, found 0",
        ),
        (
            |e| e.arms[1].name = "a".to_owned(),
            "experiment \"smoke\": arms: wanted 1 to 10,000, of different names, found \"a\" twice",
        ),
        (
            |e| e.seeds = vec![3, 3],
            "experiment \"smoke\": seeds: wanted 1 to 10,000, all different, found 3 twice",
        ),
        (
            |e| e.tasks = 0,
            "experiment \"smoke\": tasks: wanted 1 or more, found 0",
        ),
        (
            |e| e.interval = 0,
            "experiment \"smoke\": interval: wanted 1 or more, found 0",
        ),
        (
            |e| e.name = "../x".to_owned(),
            "experiment \"../x\": name: wanted a name for its directory, of 1 to 200 bytes, without slashes and control characters, found \"../x\"",
        ),
        (
            |e| (e.switch_seed, e.tasks) = (Some(1), 100_001),
            "experiment \"smoke\": tasks: wanted 1 to 100,000 with a switch_seed, found 100001",
        ),
        (
            |e| (e.switch_seed, e.epochs, e.tasks) = (Some(1), 10_000_000, 50),
            "experiment \"smoke\": training steps of a replica: wanted fewer than 2^32, found 4500000000",
        ),
        (
            |e| (e.switch_seed, e.images, e.epochs) = (Some(1), 16, 1),
            "arm \"a\": steps per task: wanted 2 or more with a switch_seed, which draws lengths around it, found 1",
        ),
        (
            |e| e.batch = 0,
            "arm \"a\": batch: wanted 1 to 16,777,216, found 0",
        ),
        (
            |e| e.images = 301,
            "arm \"a\": images per task: wanted 16 (one batch) to 300 (the data set), found 301",
        ),
        (
            |e| e.stream = StreamKind::PermutedPixels,
            "arm \"a\": labels of the images: wanted a label for each image, which permuted pixels need, found none",
        ),
        (
            |e| (e.stream, e.relabel_fraction) = (StreamKind::PermutedPixels, 0.5),
            "arm \"a\": relabel fraction: wanted 1 with permuted pixels, whose labels are the true ones, found 0.5",
        ),
        (
            |e| e.arms[1].step_size = -1.0,
            "arm \"b\": step size: wanted 0 or more, finite, found -1",
        ),
        (
            |e| e.arms[1].step_size = f64::NAN,
            "arm \"b\": step size: wanted 0 or more, finite, found NaN",
        ),
        (
            |e| {
                e.arms[0].placebo = Some(Placebo {
                    of: "c".to_owned(),
                    kind: PlaceboKind::Replay,
                });
            },
            "arm \"a\": placebo of: wanted the name of another arm, found \"c\"",
        ),
        (
            |e| {
                e.arms[1].placebo = Some(Placebo {
                    of: "a".to_owned(),
                    kind: PlaceboKind::Replay,
                });
            },
            "arm \"b\": control: wanted constant beside a placebo, which makes a control of its own, found another",
        ),
        (
            |e| {
                e.arms[0].placebo = Some(Placebo {
                    of: "b".to_owned(),
                    kind: PlaceboKind::Replay,
                });
                e.seeds = vec![1];
            },
            "arm \"a\": seeds: wanted 2 or more, because a seed replays another's step sizes, found 1",
        ),
        (
            |e| {
                e.arms[0].control = Control::Clip(ClipControl::update_clipping());
                e.arms[0].optimiser = Optimiser::Sgd { momentum: 0.9 };
            },
            "arm \"a\": optimiser: wanted adam, whose second moment the control clip compares with, found sgd",
        ),
    ] {
        assert_eq!(refusal(change), wanted);
    }
}

/// Names are used in paths, on terminals, in tables for spreadsheets, and beside names of this program.
#[test]
fn names_that_something_would_choke_on_are_refused() {
    let of_experiment = |name: &str| {
        let mut experiment = small(vec![arm("a", Control::Constant)]);
        experiment.name = name.to_owned();
        experiment.check(&images())
    };
    let of_arm = |name: &str| small(vec![arm(name, Control::Constant)]).check(&images());
    let long = "x".repeat(200);
    for name in ["a", "...", "L2: a = b", "Größe", &long] {
        of_experiment(name).unwrap();
        of_arm(name).unwrap();
    }
    let too_long = "x".repeat(201);
    let both = ["", "a\0b", "\u{1b}[2J", "a\nb", "a\u{202e}b", &too_long];
    for name in both.iter().chain(&[".", "..", "a/b", "a\\b"]) {
        let error = of_experiment(name).unwrap_err().to_string();
        assert!(
            error.contains("name: wanted a name for its directory"),
            "{error}"
        );
        assert!(
            !error.contains(char::is_control) && error.len() < 400,
            "{error}"
        );
    }
    let formulas = ["=HYPERLINK(\"x\")", "+1", "-1", "@a", "all arms"];
    for name in both.iter().chain(&formulas) {
        let error = of_arm(name).unwrap_err().to_string();
        assert!(error.contains("name of an arm: wanted "), "{error}");
        assert!(
            !error.contains(char::is_control) && error.len() < 400,
            "{error}"
        );
    }
}

#[test]
fn what_is_too_much_is_refused_by_its_number() {
    let refusal = |experiment: &Experiment| {
        let error = experiment.check(&images()).unwrap_err();
        let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
        error.to_string() + &source.unwrap_or_default()
    };
    let arms = |count: usize| {
        let name = |number: usize| arm(&format!("{number}"), Control::Constant);
        small((0..count).map(name).collect())
    };
    arms(10_000).check(&images()).unwrap();
    let wanted = "experiment \"smoke\": arms: wanted 1 to 10,000, of different names, found 10001";
    assert_eq!(refusal(&arms(10_001)), wanted);

    let mut seeds = arms(1);
    seeds.seeds = (0..10_001).collect();
    let wanted = "experiment \"smoke\": seeds: wanted 1 to 10,000, all different, found 10001";
    assert_eq!(refusal(&seeds), wanted);

    let mut deep = arms(1);
    deep.arms[0].hidden = vec![1; 255];
    deep.check(&images()).unwrap();
    deep.arms[0].hidden = vec![1; 10_000];
    let wanted = "arm \"0\": network layers: wanted 256 at most, found 10001";
    assert_eq!(refusal(&deep), wanted);

    // The product of all three is more than 2^64.
    let mut endless = arms(1);
    (endless.images, endless.batch) = (u32::MAX, 1);
    (endless.epochs, endless.tasks) = (u32::MAX, u32::MAX);
    let wanted = "training steps of a replica: wanted fewer than 2^32, found 2^64 or more";
    assert!(refusal(&endless).contains(wanted), "{}", refusal(&endless));
    assert_eq!(endless.total_steps(), u64::MAX);
}
