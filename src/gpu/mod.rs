//! Devices: opening one for programs that have none, recording plans, reading back.
//!
//! - `open`: opens a device ([`Gpu`]). `requirements`: the limits that a device must reach ([`Requirements`]).
//! - `known_answer`: a small computation that tells whether a device computes at all.
//! - `recorder`: the buffers and pipelines of a program ([`Recorder`]). `tiling`: the variants of its products ([`Tiling`]).
//! - `readback`: copies of words to the host ([`Readback`]).
//! - `submissions`: long work in short submissions, as `pacer` paces them ([`Pacer`]).
//! - `error`, `faults`: the errors of adapters and devices ([`Error`]), and their conversion to values.

mod error;
mod faults;
mod known_answer;
mod open;
mod pacer;
mod readback;
mod recorder;
mod requirements;
#[cfg(not(target_arch = "wasm32"))]
mod submissions;
mod tiling;

pub use error::Error;
pub use open::{AdapterSummary, Gpu, adapters, present_adapters};
pub use pacer::Pacer;
pub use readback::Readback;
pub use recorder::{RecordedPlan, Recorder};
pub use requirements::Requirements;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use requirements::replicas_that_fit;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use submissions::Submissions;
pub use tiling::Tiling;
