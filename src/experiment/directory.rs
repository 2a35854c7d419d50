//! The directory of a run: a lock, the latest checkpoint, and the rows so far.
//!
//! - `.lock`: locked while a run trains there.
//! - `checkpoint.safetensors`: the state of the run; see `checkpoint`.
//! - `tasks.part.csv`, `probes.part.csv`, `indicators.part.csv`: the rows so far; see `rows`. They are removed when the tables are
//!   written.
//! - `tensorboard/`: the same rows for TensorBoard, where asked for.
//!
//! `identity` compares the run of a checkpoint with the run to resume. `error` holds the errors of a directory.

mod error;
mod identity;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::identity::{check_description, check_subject, description};
use super::checkpoint::{FORMAT, Replica, Standing, Tensors, decode, encode, read_standing};
use super::rows::{self, Extent, RowLog};
use super::{Experiment, ExperimentError, Results};
use crate::compute::Compute;
use crate::files::{self, WriteError, remove_temporaries, write_whole};
use crate::record::{EventFiles, ProbeRow, TableRow, TaskRow};
use crate::snapshot::Snapshot;
use crate::spec::{ImageSet, TrainingSpec};

pub use error::DirectoryError;
pub use identity::check_same;

/// The largest time between two checkpoints, except where a probe or a submission of training steps takes longer.
const INTERVAL: Duration = Duration::from_secs(60);

pub(super) const LOCK: &str = ".lock";
const CHECKPOINT: &str = "checkpoint.safetensors";
const TASKS: &str = "tasks.part.csv";
const PROBES: &str = "probes.part.csv";
const INDICATORS: &str = "indicators.part.csv";
pub(crate) const PARTS: [&str; 3] = [TASKS, PROBES, INDICATORS];
/// The size of the largest checkpoint that is read, 1 TiB. A checkpoint is as large as all replicas that train together.
const LARGEST: u64 = 1 << 40;
/// The files of a run. A directory with any of them holds a run.
pub(super) const OF_A_RUN: [&str; 7] = [
    "experiment.toml",
    CHECKPOINT,
    TASKS,
    PROBES,
    INDICATORS,
    TaskRow::FILE,
    ProbeRow::FILE,
];

/// A directory in which one experiment runs. It is locked as long as this value lives.
///
/// Its `checkpoint.safetensors` stays after the run is finished. It holds the replicas that trained together last. Each
/// replica is named by its arm and seed. Its tensors are F32 in PyTorch's layout, for linear layers k from 1 on (and in the
/// same way for `convk`, `normk` and `positionk`):
///
/// - `ARM/SEED/fck.weight` `[out, in]` and `ARM/SEED/fck.bias` `[out]`;
/// - with Adam, AdamW and AdamO `ARM/SEED/fck.weight.exp_avg` and `.exp_avg_sq`, and the same for the bias;
/// - with Lion `ARM/SEED/fck.weight.exp_avg` and `.interpolation`, and the same for the bias;
/// - with Muon `ARM/SEED/fck.weight.exp_avg` and `.exp_avg_sq_or_update`, and the same for the bias;
/// - with UPGD `ARM/SEED/fck.weight.taken_gradient` and `.avg_utility`, and the same for the bias;
/// - with AMSGrad `ARM/SEED/fck.weight.exp_avg`, `.exp_avg_sq` and `.max_exp_avg_sq`, and the same for the bias;
/// - with the larger of two second moments `ARM/SEED/fck.weight.exp_avg`, `.exp_avg_sq`, `.fast_exp_avg_sq` and
///   `.divisor_sq`, and the same for the bias;
/// - with SGD `ARM/SEED/fck.weight.momentum_buffer`, and the same for the bias.
///
/// The U32 tensors are `training/BUFFER` `[replicas, words]` for each other buffer of a [`Snapshot`], and `checksum` `[1]`.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    _lock: File,
    /// The [`description`] of the run.
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

/// The state from which a run continues.
#[derive(Debug)]
pub(super) struct Start {
    /// The path of the checkpoint.
    path: PathBuf,
    pub(super) standing: Standing,
    pub(super) tensors: Tensors,
    pub(super) results: Results,
}

impl RunDirectory {
    /// Opens `path` for a new run of `experiment`, on `compute` and with `images`. Creates the directory if there is none.
    ///
    /// # Errors
    /// Returns [`DirectoryError::HoldsRun`] or [`DirectoryError::InUse`], or an error where the directory cannot be written.
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

    /// Returns whether `path` holds a finished run of `experiment` on `images`, by any version of this program and on any
    /// backend. It changes nothing and takes no lock.
    ///
    /// # Errors
    /// Returns an error where the checkpoint's header is damaged, or is that of another run, or where the file cannot be read.
    /// [`Self::resume`] also checks the checkpoint's numbers.
    pub fn is_finished(
        path: &Path,
        experiment: &Experiment,
        images: &ImageSet,
    ) -> Result<bool, DirectoryError> {
        let checkpoint = path.join(CHECKPOINT);
        let is_there = |name: &str| path.join(name).exists();
        // The parts are removed only after the tables are written, so no run is active here.
        if !is_there(TaskRow::FILE) || !is_there(CHECKPOINT) || PARTS.iter().any(|p| is_there(p)) {
            return Ok(false);
        }
        let file = files::open(&checkpoint, LARGEST);
        let (file, size) = file.map_err(|source| DirectoryError::read(&checkpoint, source))?;
        let standing = read_standing(&checkpoint, file, size)?;
        check_subject(experiment, images, standing.run, &checkpoint)?;
        Ok(true)
    }

    /// Opens `path` for a run that continues from the directory's checkpoint, or starts from the beginning where there is
    /// none yet. Returns `None` if the run is finished. Rows written after the checkpoint are removed, once all other checks
    /// have passed.
    ///
    /// # Errors
    /// Returns an error where the checkpoint is damaged or belongs to another run, where the directory cannot be read or
    /// written, and [`DirectoryError::NoCheckpoint`] or [`DirectoryError::InUse`].
    pub fn resume(
        path: &Path,
        experiment: &Experiment,
        compute: &Compute,
        images: &ImageSet,
    ) -> Result<Option<Self>, DirectoryError> {
        let lock = lock(path)?;
        let run = description(experiment, compute, images);
        let checkpoint = path.join(CHECKPOINT);
        let has_table = path.join(TaskRow::FILE).exists();
        let bytes = match files::read(&checkpoint, LARGEST) {
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
        check_description(&run, &standing.run, &checkpoint)?;
        // The parts are removed after all tables are written, the part of the probes first.
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

    /// Sets the time between two checkpoints to `interval`, instead of a minute.
    #[must_use]
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval, ..self }
    }

    /// Lets `stop` end the run: once it is set, the run writes a checkpoint and stops.
    #[must_use]
    pub fn stopped_by(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Also writes TensorBoard's event files of this run of `experiment`, in `tensorboard/ARM/seed-N/`. The rows so far are
    /// written now, and later rows with the checkpoints that count them. Files of an earlier start are replaced, so that
    /// each row is in them once. TensorBoard may have them open meanwhile.
    ///
    /// # Errors
    /// Returns [`WriteError`] where the file system refuses.
    pub fn with_event_files(self, experiment: &Experiment) -> Result<Self, WriteError> {
        let mut events = experiment.event_files(&self.path)?;
        if let Some(start) = &self.start {
            start.results.append_to(&mut events)?;
        }
        let events = Some(events);
        Ok(Self { events, ..self })
    }

    /// Removes the partial tables. Call it after all tables are written.
    ///
    /// # Errors
    /// Returns [`DirectoryError::Write`] where the file system refuses.
    pub fn finish(self) -> Result<(), DirectoryError> {
        remove_if_there(&self.path.join(PROBES))?;
        remove_if_there(&self.path.join(INDICATORS))?;
        remove_if_there(&self.path.join(TASKS))
    }

    /// Returns the error for a checkpoint that cannot be serialised.
    pub(super) fn unwritten(&self, source: serde_json::Error) -> DirectoryError {
        DirectoryError::write(&self.path.join(CHECKPOINT), io::Error::other(source))
    }

    pub(super) fn take_start(&mut self) -> Option<Start> {
        self.start.take()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Returns whether it is time for another checkpoint.
    pub(super) fn is_due(&self) -> bool {
        self.latest.elapsed() >= self.interval
    }

    /// Writes the new rows, then the checkpoint that counts them, and last the event files, which can be written again.
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
            results.append_to(events)?;
        }
        Ok(())
    }
}

impl Start {
    /// Returns the error for a checkpoint that is damaged for `reason`.
    pub(super) fn damaged(&self, reason: String) -> DirectoryError {
        DirectoryError::damaged(&self.path, reason)
    }
}

fn remove_if_there(file: &Path) -> Result<(), DirectoryError> {
    match fs::remove_file(file) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(DirectoryError::write(file, source))
        }
        _ => Ok(()),
    }
}

/// Creates the directory if there is none, and locks it until the file is closed, however the process ends.
fn lock(directory: &Path) -> Result<File, DirectoryError> {
    fs::create_dir_all(directory).map_err(|source| DirectoryError::write(directory, source))?;
    let path = directory.join(LOCK);
    let mut options = File::options();
    // Windows can neither lock nor cut a file that was opened only for appending.
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
