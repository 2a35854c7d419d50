//! Plans on a device of our own.

use std::sync::Arc;
use std::time::Duration;

use super::{Executor, Receive, RecordedProgram, Work, by_replica};
use crate::error::Error;
use crate::gpu::{Gpu, Submissions};
use crate::plan::{BufferId, Program};

/// A program on a device.
pub(crate) struct GpuPlans {
    gpu: Arc<Gpu>,
    program: RecordedProgram,
    submissions: Submissions,
    replicas: usize,
}

impl GpuPlans {
    /// Allocates the buffers, compiles pipelines and draws the initial parameters.
    ///
    /// # Errors
    /// A limit that the device does not reach, memory that runs out, or a device that fails.
    pub(crate) fn new(gpu: Arc<Gpu>, program: &Program) -> Result<Self, Error> {
        let recorded = RecordedProgram::new(&gpu.device, program)?;
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        for (plan, times) in recorded.plans(Work::Initialise)? {
            plan.encode(&mut encoder, times);
        }
        gpu.queue.submit([encoder.finish()]);
        gpu.check("setting up")?;
        Ok(Self {
            submissions: Submissions::new(gpu.clone()),
            gpu,
            program: recorded,
            replicas: program.replicas as usize,
        })
    }
}

impl Executor for GpuPlans {
    fn run(&mut self, work: Work) -> Result<(), Error> {
        for (plan, times) in self.program.plans(work)? {
            self.submissions.run(plan, times)?;
        }
        Ok(())
    }

    fn read(&mut self, buffers: &[BufferId], receive: &mut Receive<'_>) -> Result<(), Error> {
        let sources: Vec<_> = buffers.iter().map(|id| self.program.buffer(*id)).collect();
        let replicas = self.replicas;
        let decode = |words: &[&[u32]]| receive(&by_replica(words, replicas));
        Ok(self.submissions.read(&sources, decode)?)
    }

    fn write_at(&mut self, buffer: BufferId, replica: usize, first: usize, words: &[u32]) {
        let queue = &self.gpu.queue;
        self.program.write(queue, buffer, replica, first, words);
    }

    fn longest_submission(&self) -> Option<Duration> {
        Some(self.submissions.longest())
    }
}
