//! The directory of a run: a lock, the latest checkpoint, and the rows so far.
//!
//! - `.lock`: locked while a run goes on there.
//! - `checkpoint.safetensors`: where the run stands; see `checkpoint`.
//! - `tasks.part.csv`, `probes.part.csv`, `indicators.part.csv`: the rows so far; see `rows`. They go when the tables stand.
//! - `tensorboard/`: the same rows for TensorBoard, where wanted.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use super::checkpoint::{FORMAT, Replica, Standing, Tensors, decode, encode};
use super::difference::difference;
use super::rows::{self, Extent, RowLog};
use super::{Experiment, ExperimentError, Results};
use crate::regular;
use crate::report::{EventFiles, ReportError, remove_temporaries, write_whole};
use crate::snapshot::Snapshot;
use crate::spec::{ImageSet, StreamKind, TrainingSpec};
use crate::trainer::Compute;

/// Seconds between two checkpoints, at the most, where probes and training steps are not themselves longer.
const INTERVAL: Duration = Duration::from_secs(60);

pub(super) const LOCK: &str = ".lock";
const CHECKPOINT: &str = "checkpoint.safetensors";
const TASKS: &str = "tasks.part.csv";
const PROBES: &str = "probes.part.csv";
const INDICATORS: &str = "indicators.part.csv";
pub(crate) const PARTS: [&str; 3] = [TASKS, PROBES, INDICATORS];
/// Bytes of the largest checkpoint that is read: 1 TiB, as it is as large as what trains together.
const LARGEST: u64 = 1 << 40;
/// What a run leaves: any of these says that there is one.
pub(super) const OF_A_RUN: [&str; 7] = [
    "experiment.toml",
    CHECKPOINT,
    TASKS,
    PROBES,
    INDICATORS,
    TASKS_TABLE,
    "probes.csv",
];
/// Fields of [`description`] that do not say what the run is of.
const VERSION: &str = "version";
const BACKEND: &str = "backend";
/// The field that says what is run.
const EXPERIMENT: &str = "experiment";
/// The first table that a finished run writes.
const TASKS_TABLE: &str = "tasks.csv";

/// Why a directory cannot be used for a run, or a run cannot go on there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The file system would not have it written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// Nor read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// Another process has the lock.
    #[error("{} is in use by another run", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A new run was asked for.
    #[error("{} holds a run already", path.display())]
    HoldsRun {
        /// The directory.
        path: PathBuf,
    },
    /// There is no run, but a file where one would write.
    #[error("{}: wanted no file where the run writes its results, found one", path.display())]
    Taken {
        /// The file.
        path: PathBuf,
    },
    /// A directory, a device or a pipe is where a file would be written.
    #[error("{}: wanted a file or nothing, found what is no regular file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// The results of a run are there, but nothing to go on from.
    #[error("{} holds the tables of a run, but no checkpoint", path.display())]
    NoCheckpoint {
        /// The directory.
        path: PathBuf,
    },
    /// A file is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What gives it away.
        reason: String,
    },
    /// A safetensors file that no run has written.
    #[error("{}: wanted a checkpoint of this program, found another safetensors file", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint of another version of this program.
    #[error("{}: wanted a checkpoint of format {wanted}, found format {found}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format that is written here.
        wanted: u32,
        /// Its own.
        found: u32,
    },
    /// A run of something else.
    #[error("{} is of another run: {what}: wanted {wanted}, found {found}", path.display())]
    OtherRun {
        /// The file.
        path: PathBuf,
        /// The first field that differs.
        what: String,
        /// What was asked for.
        wanted: String,
        /// What the file has.
        found: String,
    },
}

impl DirectoryError {
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Write { path, source }
    }

    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Read { path, source }
    }

    pub(super) fn damaged(path: &Path, reason: String) -> Self {
        let path = path.to_owned();
        Self::Damaged { path, reason }
    }
}

/// A directory in which one experiment runs, locked as long as this lives.
///
/// Its `checkpoint.safetensors` stays when the run is finished. It holds the replicas that trained together last. For
/// each, named by its arm and seed, in F32 and in PyTorch's layout, for layers k from 1 on:
///
/// - `ARM/SEED/fck.weight` `[out, in]` and `ARM/SEED/fck.bias` `[out]`;
/// - with Adam and AdamW `ARM/SEED/fck.weight.exp_avg` and `.exp_avg_sq`, and the same of the bias;
/// - with Lion `ARM/SEED/fck.weight.exp_avg` and `.interpolation`, and the same of the bias;
/// - with SGD `ARM/SEED/fck.weight.momentum_buffer`, and the same of the bias.
///
/// And in U32 `training/BUFFER` `[replicas, words]`, whatever else is in a [`Snapshot`], by its buffers' names; and
/// `checksum` `[1]`.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    _lock: File,
    /// Of [`description`].
    run: Value,
    interval: Duration,
    latest: Instant,
    stop: Arc<AtomicBool>,
    tasks: RowLog,
    probes: RowLog,
    indicators: RowLog,
    events: Option<EventFiles>,
    start: Option<Start>,
}

/// From where a run goes on.
#[derive(Debug)]
pub(super) struct Start {
    /// Of the checkpoint.
    path: PathBuf,
    pub(super) standing: Standing,
    pub(super) tensors: Tensors,
    pub(super) results: Results,
}

impl RunDirectory {
    /// For a new run of `experiment`, on `compute` and with `images`. The directory is made if there is none.
    ///
    /// # Errors
    /// [`DirectoryError::HoldsRun`], [`DirectoryError::InUse`], or a directory that cannot be written.
    pub fn create(
        path: &Path,
        experiment: &Experiment,
        compute: &Compute,
        images: &ImageSet,
    ) -> Result<Self, DirectoryError> {
        let lock = lock(path)?;
        if OF_A_RUN.iter().any(|name| path.join(name).exists()) {
            let path = path.to_owned();
            return Err(DirectoryError::HoldsRun { path });
        }
        Self::open(path, lock, description(experiment, compute, images), None)
    }

    /// Whether `path` holds a finished run of `experiment` on `images`, by whatever version of this program and whatever
    /// computed it. Changes nothing and takes no lock.
    ///
    /// # Errors
    /// A checkpoint of another run or not whole, or a file that cannot be read.
    pub fn is_finished(
        path: &Path,
        experiment: &Experiment,
        images: &ImageSet,
    ) -> Result<bool, DirectoryError> {
        let checkpoint = path.join(CHECKPOINT);
        let is_there = |name: &str| path.join(name).exists();
        // Tables come before the parts go: nobody is at work here.
        if !is_there(TASKS_TABLE) || !is_there(CHECKPOINT) || PARTS.iter().any(|p| is_there(p)) {
            return Ok(false);
        }
        let bytes = regular::read(&checkpoint, LARGEST);
        let bytes = bytes.map_err(|source| DirectoryError::read(&checkpoint, source))?;
        let (standing, _) = decode(&checkpoint, &bytes)?;
        let mut found = resolved(standing.run);
        if let Value::Object(fields) = &mut found {
            fields.retain(|name, _| ![VERSION, BACKEND].contains(&&name[..]));
        }
        check_run(&subject(experiment, images), &found, &checkpoint)?;
        Ok(true)
    }

    /// For a run that goes on where the directory's checkpoint stands; from the beginning where none was written
    /// yet; `None` where it is finished. What was written after the checkpoint is removed, once everything else is
    /// found in order.
    ///
    /// # Errors
    /// A checkpoint that is not of this run or not whole, [`DirectoryError::NoCheckpoint`],
    /// [`DirectoryError::InUse`], or a directory that cannot be read or written.
    pub fn resume(
        path: &Path,
        experiment: &Experiment,
        compute: &Compute,
        images: &ImageSet,
    ) -> Result<Option<Self>, DirectoryError> {
        let lock = lock(path)?;
        let run = description(experiment, compute, images);
        let checkpoint = path.join(CHECKPOINT);
        let has_table = path.join(TASKS_TABLE).exists();
        let bytes = match regular::read(&checkpoint, LARGEST) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if has_table {
                    let path = path.to_owned();
                    return Err(DirectoryError::NoCheckpoint { path });
                }
                return Self::open(path, lock, run, None).map(Some);
            }
            Err(source) => return Err(DirectoryError::read(&checkpoint, source)),
        };
        let (standing, tensors) = decode(&checkpoint, &bytes)?;
        check_run(&run, &resolved(standing.run.clone()), &checkpoint)?;
        // The parts go when all tables stand, that of probes first.
        if has_table && !path.join(PROBES).exists() {
            remove_if_there(&path.join(INDICATORS))?;
            remove_if_there(&path.join(TASKS))?;
            return Ok(None);
        }
        let results = Results {
            tasks: rows::read(&path.join(TASKS), standing.tasks)?,
            probes: rows::read(&path.join(PROBES), standing.probes)?,
            indicators: rows::read(&path.join(INDICATORS), standing.indicators)?,
        };
        let start = Start {
            path: checkpoint,
            standing,
            tensors,
            results,
        };
        Self::open(path, lock, run, Some(start)).map(Some)
    }

    fn open(
        path: &Path,
        lock: File,
        run: Value,
        start: Option<Start>,
    ) -> Result<Self, DirectoryError> {
        remove_temporaries(path).map_err(|source| DirectoryError::write(path, source))?;
        let standing = start.as_ref().map(|start| &start.standing);
        let extents = standing.map(|s| [s.tasks, s.probes, s.indicators]);
        let [tasks, probes, indicators] = extents.unwrap_or([Extent::default(); 3]);
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            run,
            interval: INTERVAL,
            latest: Instant::now(),
            stop: Arc::default(),
            tasks: RowLog::open(path.join(TASKS), tasks)?,
            probes: RowLog::open(path.join(PROBES), probes)?,
            indicators: RowLog::open(path.join(INDICATORS), indicators)?,
            events: None,
            start,
        })
    }

    /// Writes a checkpoint whenever `interval` has passed since the latest, in place of a minute.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Once `stop` is set, the run writes a checkpoint and stops.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Writes TensorBoard's event files too, in `tensorboard/ARM/seed-N/`, for this run of `experiment`: the rows so far
    /// now, and the others with the checkpoints that count them in. Files of an earlier start are replaced, so that no
    /// row is in them twice and none is missing. TensorBoard can have them open all the while.
    ///
    /// # Errors
    /// [`ReportError::Write`]
    pub fn with_event_files(self, experiment: &Experiment) -> Result<Self, ReportError> {
        let mut events = EventFiles::create(&self.path, experiment)?;
        if let Some(start) = &self.start {
            events.append(&start.results)?;
        }
        let events = Some(events);
        Ok(Self { events, ..self })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// To be called when all tables are written: the rows so far are no longer needed.
    ///
    /// # Errors
    /// [`DirectoryError::Write`]
    pub fn finish(self) -> Result<(), DirectoryError> {
        remove_if_there(&self.path.join(PROBES))?;
        remove_if_there(&self.path.join(INDICATORS))?;
        remove_if_there(&self.path.join(TASKS))
    }

    pub(super) fn take_start(&mut self) -> Option<Start> {
        self.start.take()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether it is time for another checkpoint.
    pub(super) fn is_due(&self) -> bool {
        self.latest.elapsed() >= self.interval
    }

    /// Writes the rows that are new, and then the checkpoint that counts them in; events last, as they can be made anew.
    pub(super) fn save(
        &mut self,
        (batch, step): (usize, u32),
        replicas: Vec<Replica>,
        spec: &TrainingSpec,
        snapshot: &Snapshot,
        results: &Results,
    ) -> Result<(), ExperimentError> {
        let tensors = Tensors::of(snapshot, spec, &replicas)?;
        let standing = Standing {
            format: FORMAT,
            run: self.run.clone(),
            batch,
            step,
            replicas,
            tasks: self.tasks.append(&results.tasks)?,
            probes: self.probes.append(&results.probes)?,
            indicators: self.indicators.append(&results.indicators)?,
        };
        let path = self.path.join(CHECKPOINT);
        let bytes = encode(&standing, &tensors);
        let bytes = bytes.map_err(|e| DirectoryError::write(&path, io::Error::other(e)))?;
        write_whole(&path, &bytes)?;
        self.latest = Instant::now();
        if let Some(events) = &mut self.events {
            events.append(results)?;
        }
        Ok(())
    }
}

impl Start {
    /// What is wrong with the checkpoint.
    pub(super) fn damaged(&self, reason: String) -> DirectoryError {
        DirectoryError::damaged(&self.path, reason)
    }
}

/// Fails unless the experiment that `file` says is `wanted`.
///
/// # Errors
/// [`DirectoryError::OtherRun`], with the first field that differs.
pub fn check_same(
    wanted: &Experiment,
    found: &Experiment,
    file: &Path,
) -> Result<(), DirectoryError> {
    check_run(&as_json(wanted), &as_json(found), file)
}

fn check_run(wanted: &Value, found: &Value, file: &Path) -> Result<(), DirectoryError> {
    let Some(first) = difference(wanted, found) else {
        return Ok(());
    };
    Err(DirectoryError::OtherRun {
        path: file.to_owned(),
        what: first.what.trim_start_matches('.').to_owned(),
        wanted: first.wanted,
        found: first.found,
    })
}

fn remove_if_there(file: &Path) -> Result<(), DirectoryError> {
    match fs::remove_file(file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DirectoryError::write(file, source))
        }
        _ => Ok(()),
    }
}

/// Makes the directory if there is none, and locks it until the file is closed, by whatever end.
fn lock(directory: &Path) -> Result<File, DirectoryError> {
    fs::create_dir_all(directory).map_err(|source| DirectoryError::write(directory, source))?;
    let path = directory.join(LOCK);
    let mut options = File::options();
    // Windows locks and cuts no file that was opened to append only.
    let file = options.create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(|source| DirectoryError::write(&path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let path = directory.to_owned();
            Err(DirectoryError::InUse { path })
        }
        Err(TryLockError::Error(source)) => Err(DirectoryError::write(&path, source)),
    }
}

/// What must be equal for a run to go on with the same bits: the program, what computes, the experiment, the images.
fn description(experiment: &Experiment, compute: &Compute, images: &ImageSet) -> Value {
    let mut run = subject(experiment, images);
    run[VERSION] = json!(env!("CARGO_PKG_VERSION"));
    run[BACKEND] = json!(compute.name());
    run
}

/// What a run is of: the experiment and the images, with their labels where these matter (CRC-32).
fn subject(experiment: &Experiment, images: &ImageSet) -> Value {
    let mut subject = json!({
        EXPERIMENT: as_json(experiment),
        "images": crc32fast::hash(bytemuck::cast_slice(images.words())),
    });
    if experiment.stream == StreamKind::PermutedPixels {
        subject["labels"] = json!(crc32fast::hash(bytemuck::cast_slice(images.labels())));
    }
    subject
}

/// The description in a checkpoint, with defaults for fields of the experiment that are newer than it.
fn resolved(mut run: Value) -> Value {
    if let Some(experiment) = run.get_mut(EXPERIMENT)
        && let Ok(read) = Experiment::deserialize(&*experiment)
    {
        *experiment = as_json(&read);
    }
    run
}

/// By way of text, in which an f32 has its own digits and not those of the f64 next to it.
fn as_json(experiment: &Experiment) -> Value {
    let text = serde_json::to_string(experiment);
    let value = text.and_then(|text| serde_json::from_str(&text));
    value.expect("an experiment has names, numbers and lists")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::presets::{Preset, Scale};

    fn images(labels: &[u8]) -> ImageSet {
        let images = ImageSet::new(&[0; 4], 2, 0.0, 1.0).unwrap();
        images.with_labels(labels).unwrap()
    }

    #[test]
    fn a_checkpoint_older_than_a_field_means_the_fields_default() {
        for preset in Preset::ALL {
            let mut experiment = preset.experiment(Scale::Paper);
            let mut old = subject(&experiment, &images(&[0, 1]));
            old[EXPERIMENT].as_object_mut().unwrap().remove("stream");
            let file = Path::new("file");
            let wanted = subject(&experiment, &images(&[0, 1]));
            check_run(&wanted, &resolved(old.clone()), file).unwrap();

            experiment.stream = StreamKind::PermutedPixels;
            let wanted = subject(&experiment, &images(&[0, 1]));
            let error = check_run(&wanted, &resolved(old), file).unwrap_err();
            assert_eq!(
                error.to_string(),
                "file is of another run: experiment.stream: wanted \"permuted-pixels\", found \
                 \"random-labels\""
            );
        }
    }

    #[test]
    fn labels_tell_runs_apart_where_they_are_trained_on() {
        let mut experiment = Preset::Smoke.experiment(Scale::Small);
        let same = |experiment: &Experiment| {
            subject(experiment, &images(&[0, 1])) == subject(experiment, &images(&[1, 0]))
        };
        assert!(same(&experiment));
        experiment.stream = StreamKind::PermutedPixels;
        assert!(!same(&experiment));
    }
}
