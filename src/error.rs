//! What can go wrong in the library; every message says what was wanted and what was found.

use std::fmt;

/// An error of the engine. Faults of the data files are [`crate::data::DataError`].
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
    /// What is to be computed in main memory needs more than there is.
    #[error(
        "{of} leaves too little memory: {} MiB required for {what}, {} MiB available",
        .required.div_ceil(1 << 20),
        .available >> 20
    )]
    Memory {
        /// What sets the bound.
        of: &'static str,
        /// What needs it.
        what: String,
        /// How many bytes.
        required: u64,
        /// How many there are, with an eighth of them left alone.
        available: u64,
    },
    /// A slice handed in has the wrong number of elements.
    #[error("{what}: wanted {wanted} elements, found {found}")]
    Length {
        /// The argument.
        what: String,
        /// Elements wanted.
        wanted: usize,
        /// Elements found.
        found: usize,
    },
    /// Training on the task stream was asked of an engine that was made without one.
    #[error("this engine has no task stream; give TrainingSpec::stream, or use update steps")]
    NoTaskStream,
    /// A probe was asked of an engine that was made without one.
    #[error("this engine has no probe; give TrainingSpec::probe")]
    NoProbe,
    /// Indicators were asked of a replica that is not finite.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// Training was asked of an engine whose parameters were never set.
    #[error("the parameters were never set; initialise the engine or write parameters first")]
    NoParameters,
    /// Training was asked of an engine whose regularisers have nothing to pull towards.
    #[error(
        "L2-init or Wasserstein regularisation wanted, but the initial parameters were never taken; \
         initialise the engine or encode an anchor first"
    )]
    NoAnchor,
    /// An adapter or a device refused or failed. The error is a [`gpu::Error`](crate::gpu::Error): [`Self::gpu`] returns it.
    #[error(transparent)]
    Gpu(Box<dyn std::error::Error + Send + Sync>),
}

/// A probe of a replica whose loss, gradients or parameters are not finite.
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
