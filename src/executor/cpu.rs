//! Plans on the CPU.

use std::convert::Infallible;
use std::time::Duration;

use super::{Executor, Plans, Receive, Work};
use crate::cpu::CpuExecutor;
use crate::error::Error;
use crate::plan::{BufferId, Plan, Program};

/// A program in main memory.
pub(crate) struct CpuPlans {
    executor: CpuExecutor,
    plans: Plans<Plan>,
    replicas: usize,
}

impl CpuPlans {
    /// Allocates the buffers and draws the initial parameters.
    pub(crate) fn new(program: &Program) -> Self {
        let Ok(plans) = Plans::new(program, |plan| Ok::<_, Infallible>(plan.clone()));
        let mut executor = CpuExecutor::new(program);
        executor.run(&program.initialise, 1);
        Self {
            executor,
            plans,
            replicas: program.replicas as usize,
        }
    }
}

impl Executor for CpuPlans {
    fn run(&mut self, work: Work) -> Result<(), Error> {
        for (plan, times) in self.plans.of(work)? {
            self.executor.run(plan, times);
        }
        Ok(())
    }

    fn read(&mut self, buffers: &[BufferId], receive: &mut Receive<'_>) -> Result<(), Error> {
        let part = |r| {
            let words = buffers.iter().map(|id| self.executor.read(*id, r));
            words.collect()
        };
        receive(&(0..self.replicas).map(part).collect::<Vec<_>>());
        Ok(())
    }

    fn write_at(&mut self, buffer: BufferId, replica: usize, first: usize, words: &[u32]) {
        self.executor.write_at(buffer, replica, first, words);
    }

    fn longest_submission(&self) -> Option<Duration> {
        None
    }
}
