//! Event files of runs, read back by a decoder that shares no code with their writer. They hold the numbers of the tables
//! and no others, however a run ended. `tests/tensorboard/` makes the same comparison with TensorBoard's own reader.

#[path = "tensorboard/decoder.rs"]
mod decoder;
#[path = "tensorboard/program.rs"]
mod program;

use decoder::decode;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use trainable::Compute;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Arm, Event, Experiment, Results, RunDirectory, run_in, write_tables};
use trainable::report::{PageError, write_event_files};
use trainable::scheduler::{BoundControl, Control};
use trainable::spec::{ImageSet, UpdateClipping};
use trainable::tasks::task_length;

/// The points of a run: the bits of each value, by the replica's directory, the tag and the step.
type Points = BTreeMap<(String, String, u64), u32>;

/// Returns the points of every event file in the directory of a run; each directory has one file.
fn points_of(run: &Path) -> Points {
    let mut points = Points::new();
    for arm in names_in(&run.join("tensorboard")) {
        for seed in names_in(&run.join("tensorboard").join(&arm)) {
            let replica = format!("{arm}/{seed}");
            let file = event_file(run, &replica);
            let decoded = decode(&fs::read(&file).unwrap());
            for (tag, step, bits) in decoded.unwrap_or_else(|e| panic!("{}: {e}", file.display())) {
                let twice = points.insert((replica.clone(), tag.clone(), step), bits);
                assert_eq!(twice, None, "{replica}: {tag} at {step} is there twice");
            }
        }
    }
    points
}

fn event_file(run: &Path, replica: &str) -> PathBuf {
    let directory = run.join("tensorboard").join(replica);
    let names = names_in(&directory);
    assert!(
        names.len() == 1 && names[0].starts_with("events.out.tfevents."),
        "{names:?}"
    );
    directory.join(&names[0])
}

fn names_in(directory: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Returns the points that `results` should give: every number of the tables that has a curve.
fn wanted(results: &Results) -> Points {
    let mut points = Points::new();
    let mut add = |arm: &str, seed: u32, step: u32, tag: String, value: Option<f64>| {
        let replica = format!("{}/seed-{seed}", arm.replace([':', '"'], "_"));
        if let Some(value) = value {
            points.insert((replica, tag, step.into()), (value as f32).to_bits());
        }
    };
    for row in &results.tasks {
        for (tag, value) in [
            ("accuracy/online", row.online_accuracy),
            ("accuracy/final", row.final_accuracy),
            ("loss/online", row.online_loss),
            ("loss/final", row.final_loss),
        ] {
            add(
                &row.arm,
                row.seed,
                end_of(row.task),
                tag.to_owned(),
                Some(value),
            );
        }
    }
    for row in &results.probes {
        let layer = if row.layer == "network" {
            for (tag, value) in [("accuracy/probe", row.accuracy), ("loss/probe", row.loss)] {
                add(&row.arm, row.seed, row.update, tag.to_owned(), Some(value));
            }
            "network".to_owned()
        } else {
            format!("layer {}", row.layer)
        };
        for (group, value) in [
            ("step size", Some(row.step_size)),
            ("effective step", row.effective_step),
            ("sharpness", row.sharpness),
            ("sharpness residual", row.residual),
            ("sharpness normalised", row.sharpness_normalised),
            ("volatility", row.volatility),
            ("gradient norm squared", Some(row.grad_norm_sq)),
            ("gradient variance", Some(row.grad_variance)),
            ("noise bound", row.bound_noise),
            ("volatility bound", row.bound_volatility),
            ("combined bound", row.bound_combined),
            ("tau bound", row.bound_tau),
            (
                "violation",
                row.violation
                    .map(|is_above| if is_above { 1.0 } else { 0.0 }),
            ),
            ("weight norm", Some(row.weight_norm)),
            ("update norm", Some(row.update_norm)),
            ("clip ratio", row.clip_ratio),
            ("clip factor", row.clip_factor),
        ] {
            let tag = format!("{group}/{layer}");
            add(&row.arm, row.seed, row.update, tag, value);
        }
    }
    for row in &results.indicators {
        for (tag, value) in [
            ("units/dead", row.dead),
            ("units/dormant", row.dormant),
            ("units/sign entropy", row.sign_entropy),
            ("rank/effective", Some(row.effective_rank)),
            ("rank/stable", Some(row.stable_rank)),
            ("rank/fisher", Some(row.fisher_rank as f64)),
            ("rank/fisher effective", Some(row.fisher_effective_rank)),
        ] {
            add(&row.arm, row.seed, row.update, tag.to_owned(), value);
        }
    }
    points
}

/// The seed of the lengths of tasks, whose mean is 12 updates.
const SWITCH_SEED: u32 = 2;

/// Returns the number of updates after `tasks` tasks.
fn end_of(tasks: u32) -> u32 {
    let lengths = (0..tasks).map(|task| task_length(SWITCH_SEED, task, 12, 6));
    lengths.sum::<u64>() as u32
}

/// Returns an experiment with two batches of replicas, one of which diverges.
fn experiment() -> Experiment {
    let arm = |name: &str, hidden: &[u32]| Arm {
        name: name.to_owned(),
        hidden: hidden.to_vec(),
        step_size: 1e-2,
        ..Arm::default()
    };
    Experiment {
        images: 64,
        batch: 16,
        epochs: 3,
        tasks: 4,
        switch_seed: Some(SWITCH_SEED),
        seeds: vec![1, 2],
        interval: 5,
        indicators_every: 2,
        figures: Vec::new(),
        arms: vec![
            Arm {
                control: Control::Bound(BoundControl::paper()),
                ..arm("bound: \"quoted\"", &[8])
            },
            Arm {
                step_size: 1e30,
                ..arm("diverges", &[8])
            },
            Arm {
                update_clipping: Some(UpdateClipping::default()),
                ..arm("deeper", &[8, 8])
            },
        ],
        ..Preset::Smoke.experiment(Scale::Small)
    }
}

fn images() -> ImageSet {
    let bytes: Vec<u8> = (0..80 * 784_u32)
        .map(|i| (trainable::rng::pcg4d([i, 9, 0, 0])[1] >> 24) as u8)
        .collect();
    ImageSet::new(&bytes, 784, 0.5, 0.29).unwrap()
}

/// Resumes training in the directory until `tasks` tasks of replicas were reported, or to the end.
fn train(path: &Path, tasks: usize) -> Option<Results> {
    let stop = Arc::new(AtomicBool::new(false));
    let directory = RunDirectory::resume(path, &experiment(), &Compute::Cpu, &images()).unwrap()?;
    let directory = directory.with_event_files(&experiment()).unwrap();
    let directory = directory.stopped_by(stop.clone());
    let mut told = 0;
    let tell = |event: Event<'_>| {
        told += usize::from(matches!(event, Event::Task(_)));
        stop.store(told >= tasks, Ordering::Relaxed);
    };
    let ended = run_in(directory, &experiment(), &Compute::Cpu, &images(), tell).unwrap();
    let (results, directory) = ended?;
    fs::write(
        path.join("experiment.toml"),
        toml::to_string(&experiment()).unwrap(),
    )
    .unwrap();
    write_tables(path, &experiment(), &results).unwrap();
    directory.finish().unwrap();
    Some(results)
}

fn assert_same(found: &Points, wanted: &Points) {
    for (point, bits) in wanted {
        assert_eq!(found.get(point), Some(bits), "{point:?}");
    }
    let more = found.keys().find(|point| !wanted.contains_key(*point));
    assert_eq!(more, None);
}

#[test]
fn event_files_hold_what_the_tables_hold() {
    let place = tempfile::tempdir().unwrap();
    let results = train(place.path(), usize::MAX).unwrap();
    let points = points_of(place.path());
    assert!(points.len() > 1000, "only {} points", points.len());
    assert_same(&points, &wanted(&results));
    // The diverged arm has its files, without points.
    assert_eq!(
        names_in(&place.path().join("tensorboard/diverges")).len(),
        2
    );

    // Files made from the tables have the same points.
    fs::remove_dir_all(place.path().join("tensorboard")).unwrap();
    write_event_files(place.path()).unwrap();
    assert_same(&points_of(place.path()), &points);
}

#[test]
fn whatever_a_run_was_interrupted_by_nothing_is_twice_or_missing() {
    let place = tempfile::tempdir().unwrap();
    let mut starts = 1;
    let results = loop {
        if let Some(results) = train(place.path(), 3) {
            break results;
        }
        points_of(place.path());
        // The file is as a killed process leaves it: a cut record, and rows that no checkpoint counts.
        let file = event_file(place.path(), "deeper/seed-1");
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, [&bytes[..], &bytes[..bytes.len() - 5]].concat()).unwrap();
        starts += 1;
    };
    assert!(starts >= 4, "only {starts} starts");
    assert_same(&points_of(place.path()), &wanted(&results));

    // The length is that of an uninterrupted run, so that a reader in the middle of a file finds the records at its place.
    let lengths = || {
        let replicas = ["bound_ _quoted_/seed-2", "deeper/seed-1"];
        replicas.map(|replica| {
            fs::metadata(event_file(place.path(), replica))
                .unwrap()
                .len()
        })
    };
    let of_many_starts = lengths();
    write_event_files(place.path()).unwrap();
    assert_eq!(lengths(), of_many_starts);
}

/// During a run, a finished task is in the files before the next one is.
#[test]
fn files_grow_with_every_task() {
    let place = tempfile::tempdir().unwrap();
    let directory =
        RunDirectory::create(place.path(), &experiment(), &Compute::Cpu, &images()).unwrap();
    let directory = directory.with_event_files(&experiment()).unwrap();
    let mut tasks = 0;
    let tell = |event: Event<'_>| {
        if let Event::Task(row) = event
            && (&row.arm[..], row.seed) == ("deeper", 2)
        {
            let points = points_of(place.path());
            let of_it = |((replica, tag, _), _): &(&(String, String, u64), &u32)| {
                replica == "deeper/seed-2" && tag == "accuracy/online"
            };
            assert_eq!(points.iter().filter(of_it).count(), tasks);
            tasks += 1;
        }
    };
    run_in(directory, &experiment(), &Compute::Cpu, &images(), tell).unwrap();
    assert_eq!(tasks, 4);
}

#[test]
fn the_decoder_notices_every_flipped_byte_and_every_cut() {
    let place = tempfile::tempdir().unwrap();
    train(place.path(), 1);
    let bytes = fs::read(event_file(place.path(), "bound_ _quoted_/seed-1")).unwrap();
    let whole = decode(&bytes).unwrap();
    assert!(whole.len() > 50);
    for position in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[position] ^= 0x10;
        assert!(decode(&flipped).is_err(), "byte {position}");
        assert_ne!(decode(&bytes[..position]), Ok(whole.clone()));
    }
}

#[test]
fn tables_of_other_replicas_are_refused() {
    let place = tempfile::tempdir().unwrap();
    train(place.path(), usize::MAX).unwrap();
    let table = place.path().join("tasks.csv");
    let text = fs::read_to_string(&table).unwrap();
    for (from, to, found) in [
        ("deeper,2", "deeper,7", "found \"deeper\" with seed 7"),
        ("deeper,2", "depper,2", "found \"depper\" with seed 2"),
    ] {
        fs::write(&table, text.replacen(from, to, 1)).unwrap();
        let error = write_event_files(place.path()).unwrap_err();
        assert!(matches!(error, PageError::Arms { .. }), "{error:?}");
        assert!(error.to_string().contains(found), "{error}");
    }
}
