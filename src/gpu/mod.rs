//! What touches wgpu: opening a device for those who have none, recording plans, reading back.

mod faults;
mod open;
mod pacer;
mod readback;
mod recorder;
mod requirements;
mod submissions;

pub use open::{AdapterSummary, Gpu, adapters};
pub use pacer::Pacer;
pub use readback::Readback;
pub use recorder::{RecordedPlan, Recorder};
pub use requirements::Requirements;
pub(crate) use requirements::replicas_that_fit;
pub(crate) use submissions::Submissions;
