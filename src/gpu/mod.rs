//! What touches wgpu: opening a device for those who have none, recording plans, reading back.

mod faults;
mod open;
#[cfg(not(target_arch = "wasm32"))]
mod pacer;
mod readback;
mod recorder;
mod requirements;

pub use open::{AdapterSummary, Gpu, adapters};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use pacer::Pacer;
pub use readback::Readback;
pub use recorder::{RecordedPlan, Recorder};
pub use requirements::Requirements;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use requirements::replicas_that_fit;
