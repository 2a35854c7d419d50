//! What touches wgpu: opening a device for those who have none, recording plans, reading back.

mod error;
mod faults;
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
