//! The file `checkpoint.safetensors`: the state of the replicas that train together, and the progress of their experiment.
//!
//! [`super::RunDirectory`] documents the tensors. All of them have elements of four bytes. `checksum` is the CRC-32 of
//! everything else. The metadata has a single entry, `trainable`, which is a [`Standing`] as JSON, because several entries
//! would be written in any order.
//!
//! - `tensors`: a snapshot of the training buffers as named tensors, and back.
//! - `file`: the bytes of the file, with its checksum.

mod file;
mod tensors;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rows::Extent;

pub(super) use file::{decode, encode, read_standing};
pub(super) use tensors::Tensors;

/// The version of the file's format. A file with another version is refused.
pub(super) const FORMAT: u32 = 3;

/// The progress of an experiment: it is at `step` of batch number `batch`, before the probe at that step, if there is one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Standing {
    /// The format's version, [`FORMAT`].
    pub(super) format: u32,
    /// The description of the run, which is equal in every checkpoint of the run.
    pub(super) run: Value,
    /// The number of finished batches of replicas; the next batch is in the file.
    pub(super) batch: usize,
    /// The number of steps that this batch has done.
    pub(super) step: u32,
    /// The replicas of this batch.
    pub(super) replicas: Vec<Replica>,
    /// The valid rows of tasks.part.csv.
    pub(super) tasks: Extent,
    /// The valid rows of probes.part.csv.
    pub(super) probes: Extent,
    /// The valid rows of indicators.part.csv.
    pub(super) indicators: Extent,
}

/// The host's state of one replica.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replica {
    pub(super) arm: String,
    pub(super) seed: u32,
    /// The state of the scheduler, including its controller's.
    pub(super) scheduler: Value,
    pub(super) has_diverged: bool,
}
