//! Errors of adapters and devices.

/// An error of an adapter or a device. [`crate::Error::Gpu`] carries it where other errors can occur too, and
/// [`crate::Error::gpu`] returns it from there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The network needs more than the device (or WebGPU's default limits) offers.
    #[error(
        "the device's {limit} is too small: {required} required for {what}, {available} available{}",
        fit.map(|fit| format!("; {fit} replicas would fit")).unwrap_or_default()
    )]
    Limit {
        /// The limit, by its name in WebGPU.
        limit: &'static str,
        /// The buffer, kernel or count that needs it.
        what: String,
        /// The value that is required.
        required: u64,
        /// The value that the device offers.
        available: u64,
        /// The number of replicas that the device has room for, where the need grows with their number.
        fit: Option<u64>,
    },
    /// There is no adapter of the requested kind.
    #[error("no {wanted} adapter found; adapters present: {found}")]
    NoAdapter {
        /// The requested backend.
        wanted: String,
        /// The adapters that are there.
        found: String,
    },
    /// The adapter refused to give a device.
    #[error("the adapter {adapter} gave no device")]
    NoDevice {
        /// The adapter's name.
        adapter: String,
        /// The adapter's reason.
        source: wgpu::RequestDeviceError,
    },
    /// The device does not compute, or computes wrongly.
    #[error(
        "this device gives wrong results: {adapter}; a computation with a known answer gave {found}"
    )]
    WrongResults {
        /// The adapter's name, with its driver.
        adapter: String,
        /// The first wrong answer.
        found: String,
    },
    /// The device has no memory left for a buffer.
    #[error("the device has no memory for {buffer}: {bytes} bytes")]
    OutOfMemory {
        /// The buffer.
        buffer: String,
        /// The buffer's size.
        bytes: u64,
    },
    /// A readback was resolved, but its copy was never made.
    #[error(
        "nothing was copied for this readback: its encoder was never submitted, or the device refused it"
    )]
    NotSubmitted,
    /// The device reported an error during our work.
    #[error("the device failed while {doing}: {reason}")]
    Device {
        /// The work during which it failed.
        doing: &'static str,
        /// The device's message.
        reason: String,
    },
}

impl From<Error> for crate::Error {
    fn from(error: Error) -> Self {
        Self::Gpu(Box::new(error))
    }
}

impl crate::Error {
    /// The error of an adapter or a device in [`Self::Gpu`]; `None` for every other variant.
    pub fn gpu(&self) -> Option<&Error> {
        match self {
            Self::Gpu(error) => error.downcast_ref(),
            _ => None,
        }
    }
}
