//! The errors of the library. A message states what was wanted and what was found.

use std::fmt;

/// An error of a specification, of training or of a device. Faults of data files are [`crate::data::DataError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number in a specification is outside its range.
    #[error("{what}: wanted {wanted}, found {found}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// The range.
        wanted: String,
        /// The value.
        found: String,
    },
    /// The training needs more main memory than the machine or a limit of the process leaves.
    #[error(
        "{of} leaves too little memory: {} MiB required for {what}, {} MiB available",
        .required.div_ceil(1 << 20),
        .available >> 20
    )]
    Memory {
        /// The machine, the control group or the limit that sets the bound.
        of: &'static str,
        /// The training that needs it.
        what: String,
        /// Bytes that are required.
        required: u64,
        /// Bytes that are available; an eighth of the free memory is kept back.
        available: u64,
    },
    /// An argument has the wrong number of elements.
    #[error("{what}: wanted {wanted} elements, found {found}")]
    Length {
        /// The argument.
        what: String,
        /// The number of elements that was wanted.
        wanted: usize,
        /// The number of elements that was found.
        found: usize,
    },
    /// The caller asked for training on the task stream, but the engine was made without one.
    #[error("this engine has no task stream; give TrainingSpec::stream, or use update steps")]
    NoTaskStream,
    /// The caller asked for a probe, but the engine was made without one.
    #[error("this engine has no probe; give TrainingSpec::probe")]
    NoProbe,
    /// The caller asked for indicators of a replica that is not finite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// A replica of the engine has no parameters yet.
    #[error(
        "the parameters of replica {replica} were never set; initialise the engine or write parameters first"
    )]
    NoParameters {
        /// The number of the first such replica, from 0.
        replica: usize,
    },
    /// A regulariser or a projection refers to initial parameters that the engine has not taken yet.
    #[error(
        "L2-init, Wasserstein or spectral regularisation or a projection of norms wanted, but what they refer to was never \
         stored; initialise the engine or store reference parameters first"
    )]
    NoReferenceParameters,
    /// An adapter or a device refused or failed. The error is a [`gpu::Error`](crate::gpu::Error): [`Self::gpu`] returns it.
    #[error(transparent)]
    Gpu(Box<dyn std::error::Error + Send + Sync>),
}

/// The loss, a gradient or a parameter of a probed replica is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task {task}, update {update}: the loss, a gradient or a parameter is not finite")]
pub struct NotFinite {
    /// The task that the probed minibatch belongs to.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
}

impl Error {
    pub(crate) fn invalid(
        what: &'static str,
        wanted: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        Self::Invalid {
            what,
            wanted: wanted.into(),
            found: found.to_string(),
        }
    }

    /// Fails unless `found` has `wanted` elements.
    pub(crate) fn check_length(what: &str, wanted: usize, found: usize) -> Result<(), Self> {
        if wanted == found {
            return Ok(());
        }
        Err(Self::Length {
            what: what.to_owned(),
            wanted,
            found,
        })
    }
}
