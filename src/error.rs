//! What can go wrong in the library; every message says what was wanted and what was found.

use std::fmt;

use crate::probe::NotFinite;

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
    /// The network needs more than the device (or WebGPU's default limits) offers.
    #[error(
        "the device's {limit} is too small: {required} required for {what}, {available} available{}",
        fit.map(|fit| format!("; {fit} replicas would fit")).unwrap_or_default()
    )]
    Limit {
        /// The limit, by its name in WebGPU.
        limit: &'static str,
        /// What needs it.
        what: String,
        /// How much.
        required: u64,
        /// How much there is.
        available: u64,
        /// How many replicas that is enough for, where it is their number that needs so much.
        fit: Option<u64>,
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
    /// No adapter of the wanted kind.
    #[error("no {wanted} adapter found; adapters present: {found}")]
    NoAdapter {
        /// The backend asked for.
        wanted: String,
        /// What was found instead.
        found: String,
    },
    /// The adapter would not give a device.
    #[error("the adapter {adapter} gave no device")]
    NoDevice {
        /// The adapter's name.
        adapter: String,
        /// Its reason.
        source: wgpu::RequestDeviceError,
    },
    /// The device has no memory left for a buffer.
    #[error("the device has no memory for {buffer}: {bytes} bytes")]
    OutOfMemory {
        /// The buffer.
        buffer: String,
        /// Its size.
        bytes: u64,
    },
    /// A readback was asked for though nothing was copied.
    #[error(
        "nothing was copied for this readback: its encoder was never submitted, or the device refused it"
    )]
    NotSubmitted,
    /// The device reported an error while it worked for us.
    #[error("the device failed while {doing}: {reason}")]
    Device {
        /// What was being done.
        doing: &'static str,
        /// What the device said.
        reason: String,
    },
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
