//! Event files of runs, read back by a decoder that shares no code with their writer. They hold the numbers of the tables
//! and no others, however a run ended. `tests/tensorboard/` makes the same comparison with TensorBoard's own reader.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tempfile::TempDir;
use trainable::Compute;
use trainable::experiment::presets::{Preset, Scale};
use trainable::experiment::{Arm, Event, Experiment, Results, RunDirectory, run_in, write_tables};
use trainable::report::{PageError, write_event_files};
use trainable::scheduler::{BoundControl, Control};
use trainable::spec::{ImageSet, UpdateClipping};
use trainable::tasks::task_length;

/// The points of a run: the bits of each value, by the replica's directory, the tag and the step.
type Points = BTreeMap<(String, String, u64), u32>;

/// Returns the points by tag and step, or the fault of a file.
fn decode(bytes: &[u8]) -> Result<Vec<(String, u64, u32)>, String> {
    let (mut rest, mut points, mut records) = (bytes, Vec::new(), 0);
    while !rest.is_empty() {
        let data = take_record(&mut rest).ok_or(format!("record {records} is broken"))?;
        let event = fields(data).ok_or(format!("record {records} is no message"))?;
        let time = f64::from_bits(number(&event, 1).ok_or("no time")?);
        if !(1.7e9..1e11).contains(&time) {
            return Err(format!("record {records} is of the time {time}"));
        }
        let step = number(&event, 2).unwrap_or(0);
        match records {
            0 if message(&event, 3) == Some(b"brain.Event:2") => {}
            0 => return Err(format!("record {records} is no start")),
            _ => {
                let summary = message(&event, 5).ok_or("no summary")?;
                for (field, value) in fields(summary).ok_or("no values")? {
                    let Value::Bytes(value) = value else {
                        return Err(format!("field {field} is no value"));
                    };
                    let value = fields(value).ok_or("no value")?;
                    let tag = message(&value, 1).ok_or("no tag")?;
                    let tag = String::from_utf8(tag.to_vec()).map_err(|e| e.to_string())?;
                    let bits = number(&value, 2).ok_or("no scalar")?;
                    points.push((tag, step, bits as u32));
                }
            }
        }
        records += 1;
    }
    Ok(points)
}

/// Computes CRC-32C bit by bit from its polynomial, and TensorFlow's mask from its definition.
fn masked_checksum(bytes: &[u8]) -> u32 {
    let mut register = u32::MAX;
    for byte in bytes {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            let low = register & 1;
            register = (register >> 1) ^ (low * 0x82f6_3b78);
        }
    }
    let checksum = !register;
    checksum.rotate_left(17).wrapping_add(0xa282_ead8)
}

/// Takes the first record and returns its data.
fn take_record<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut take = |count: usize| rest.split_off(..count);
    let word = |bytes: &[u8]| Some(u32::from_le_bytes(bytes.try_into().ok()?));
    let length = take(8)?;
    let of_length = word(take(4)?)?;
    let data = take(u64::from_le_bytes(length.try_into().ok()?) as usize)?;
    let of_data = word(take(4)?)?;
    let is_whole = of_length == masked_checksum(length) && of_data == masked_checksum(data);
    is_whole.then_some(data)
}

enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Returns a message's fields, by number.
fn fields(mut rest: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut rest)?),
            1 => Value::Number(u64::from_le_bytes(rest.split_off(..8)?.try_into().ok()?)),
            2 => {
                let length = varint(&mut rest)?;
                Value::Bytes(rest.split_off(..usize::try_from(length).ok()?)?)
            }
            5 => {
                let bytes = rest.split_off(..4)?.try_into().ok()?;
                Value::Number(u32::from_le_bytes(bytes).into())
            }
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let byte = *rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn number(fields: &[(u64, Value<'_>)], wanted: u64) -> Option<u64> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Number(number) if *field == wanted => Some(*number),
        _ => None,
    })
}

fn message<'a>(fields: &[(u64, Value<'a>)], wanted: u64) -> Option<&'a [u8]> {
    fields.iter().find_map(|(field, value)| match value {
        Value::Bytes(bytes) if *field == wanted => Some(*bytes),
        _ => None,
    })
}

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

fn trainable(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trainable"));
    command.args(arguments).output().unwrap()
}

fn assert_fails(output: &Output, mention: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(mention), "{error}");
}

/// The smoke preset with one task, in a directory of its own.
struct Case(TempDir);

impl Case {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("run")
    }

    fn run(&self, options: &[&str]) -> Output {
        let out = self.directory();
        let preset = [
            "run",
            "--preset",
            "smoke",
            "--tasks",
            "1",
            "--backend",
            "cpu",
        ];
        let out = ["--out", out.to_str().unwrap()];
        trainable(&[&preset[..], &out, options].concat())
    }
}

#[test]
fn the_program_writes_them_as_it_runs_or_later() {
    let case = Case::new();
    let output = case.run(&["--tensorboard"]);
    assert!(output.status.success(), "{output:?}");
    let points = points_of(&case.directory());
    assert!(points.contains_key(&("L2_ combined/seed-2".into(), "accuracy/online".into(), 80)));
    let events = case.directory().join("tensorboard");

    let later = || {
        let found = points_of(&case.directory());
        fs::remove_dir_all(&events).unwrap();
        found
    };
    fs::remove_dir_all(&events).unwrap();
    assert!(case.run(&["--resume"]).status.success());
    assert!(!events.exists());
    assert!(case.run(&["--resume", "--tensorboard"]).status.success());
    assert_same(&later(), &points);
    let directory = case.directory();
    let report = trainable(&["report", directory.to_str().unwrap(), "--tensorboard"]);
    assert!(report.status.success(), "{report:?}");
    assert_same(&later(), &points);
}

/// A file is in the directory's place, so no user can write below it.
#[test]
fn where_they_cannot_be_written_nothing_else_is_lost() {
    let case = Case::new();
    fs::create_dir(case.directory()).unwrap();
    let events = case.directory().join("tensorboard");
    fs::write(&events, "kept").unwrap();
    assert_fails(&case.run(&["--tensorboard"]), "error: cannot write ");
    assert_eq!(fs::read_to_string(&events).unwrap(), "kept");
    fs::remove_file(&events).unwrap();
    let output = case.run(&["--resume", "--tensorboard"]);
    assert!(output.status.success(), "{output:?}");
    assert!(points_of(&case.directory()).len() > 100);
}

/// The files vanish during the run. The checkpoint that was due is written before the error is reported.
#[test]
fn files_that_vanish_are_an_error_from_which_the_run_goes_on() {
    let place = tempfile::tempdir().unwrap();
    let directory =
        RunDirectory::create(place.path(), &experiment(), &Compute::Cpu, &images()).unwrap();
    let directory = directory.with_event_files(&experiment()).unwrap();
    let tell = |event: Event<'_>| {
        if matches!(event, Event::Task(row) if row.task == 2) {
            let _ = fs::remove_dir_all(place.path().join("tensorboard"));
        }
    };
    let error = run_in(directory, &experiment(), &Compute::Cpu, &images(), tell).unwrap_err();
    assert!(error.to_string().contains("cannot write "), "{error}");
    let kept = fs::read_to_string(place.path().join("tasks.part.csv")).unwrap();
    assert_eq!(kept.lines().count(), 1 + 2 * 2, "{kept}");
    let results = train(place.path(), usize::MAX).unwrap();
    assert_same(&points_of(place.path()), &wanted(&results));
}
