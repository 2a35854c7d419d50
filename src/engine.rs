//! Training on a device that the host owns.
//!
//! - `training`: records initialisation, steps, updates and the forward pass.
//! - `probing`: records probes.
//! - `transfer`: writes what training starts from, and reads back where it stands.

mod probing;
mod training;
mod transfer;

use crate::error::Error;
use crate::executor::{RecordedProgram, Work};
use crate::gpu::RecordedPlan;
use crate::plan::{BufferId, Buffers, Program};
use crate::snapshot::{PersistentBuffer, persistent_buffers};
use crate::spec::TrainingSpec;

/// A place into which plans are recorded.
trait RecordingTarget {
    fn record(&mut self, plan: &RecordedPlan, times: u32);
}

/// Every plan gets a compute pass of its own.
impl RecordingTarget for wgpu::CommandEncoder {
    fn record(&mut self, plan: &RecordedPlan, times: u32) {
        plan.encode(self, times);
    }
}

/// All plans share the caller's compute pass.
impl RecordingTarget for wgpu::ComputePass<'_> {
    fn record(&mut self, plan: &RecordedPlan, times: u32) {
        plan.encode_in(self, times);
    }
}

/// A batch of replicas in training on a wgpu device.
///
/// The engine never creates, owns or polls a device, and `encode_*` never submits: it records into
/// the caller's encoder, beside whatever else the caller records there. It needs no optional feature
/// and no more than WebGPU's default limits, unless the network itself is too large for them.
pub struct Engine {
    spec: TrainingSpec,
    buffers: Buffers,
    persistent: Vec<PersistentBuffer>,
    program: RecordedProgram,
    /// Whether each replica has parameters.
    has_parameters: Vec<bool>,
    has_reference: bool,
    /// Updates that were recorded since the start: they tell when a task switches.
    updates: u64,
}

impl Engine {
    /// Allocates buffers and compiles pipelines.
    ///
    /// # Errors
    /// A specification outside its ranges, or one that the device's limits do not allow:
    /// [`gpu::Error::Limit`](crate::gpu::Error::Limit) names the limit, the value that is required and the one that is
    /// available ([`Requirements`](crate::Requirements) says so before there is a device).
    /// [`gpu::Error::OutOfMemory`](crate::gpu::Error::OutOfMemory), or a device that is lost.
    pub fn new(device: &wgpu::Device, spec: TrainingSpec) -> Result<Self, Error> {
        let program = Program::new(&spec)?;
        Ok(Self {
            program: RecordedProgram::new(device, &program)?,
            updates: 0,
            has_parameters: vec![false; spec.replicas.len()],
            spec,
            has_reference: program.store_reference.dispatches.is_empty(),
            persistent: persistent_buffers(&program),
            buffers: program.buffers,
        })
    }

    /// The specification that the engine was made with.
    pub fn spec(&self) -> &TrainingSpec {
        &self.spec
    }

    /// The names of the buffers, for [`Self::buffer`].
    pub fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// A buffer on the device, for the caller's own kernels and copies. [`Buffers`] and [`crate::network`] describe the
    /// layouts.
    pub fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        self.program.buffer(id)
    }

    /// The parameters `[replica, stride]` on the device. [`crate::network::Tensor::index`] says
    /// where each element lies.
    pub fn parameters(&self) -> &wgpu::Buffer {
        self.buffer(self.buffers.parameters)
    }

    /// Records `work`.
    fn record(&self, target: &mut impl RecordingTarget, work: Work) -> Result<(), Error> {
        for (plan, times) in self.ready(work)? {
            target.record(plan, times);
        }
        Ok(())
    }

    /// Records `work` and counts its updates.
    fn record_updates(
        &mut self,
        target: &mut impl RecordingTarget,
        work: Work,
    ) -> Result<(), Error> {
        let updates = work.new_updates();
        self.record(target, work)?;
        self.updates += updates;
        Ok(())
    }

    /// The plans that do `work`, once everything that they read has been written.
    fn ready(&self, work: Work) -> Result<Vec<(&RecordedPlan, u32)>, Error> {
        let is_start = matches!(work, Work::Initialise);
        // The beginning of the same probe was checked.
        let is_begun = matches!(work, Work::ProbeIterations(_) | Work::ProbeEnd);
        let needs_no_reference = matches!(work, Work::StoreReference | Work::Forward);
        let without = self.has_parameters.iter().position(|has| !has);
        if let Some(replica) = without.filter(|_| !is_start && !is_begun) {
            return Err(Error::NoParameters { replica });
        }
        if !(self.has_reference || is_start || is_begun || needs_no_reference) {
            return Err(Error::NoReferenceParameters);
        }
        self.program.plans(work)
    }
}
