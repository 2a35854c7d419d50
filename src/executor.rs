//! Executors run the plans of a program: the CPU executor, or a wgpu device.
//!
//! - `work`: the work that plans do, by name, and the plans of a program in the form in which an executor holds them.
//! - `recorded`: a program on a wgpu device, for [`crate::Engine`] and for the executor `gpu`.
//! - `cpu`, `gpu`: the two executors of a [`crate::Trainer`].

#[cfg(not(target_arch = "wasm32"))]
mod cpu;
#[cfg(not(target_arch = "wasm32"))]
mod gpu;
mod recorded;
mod work;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use cpu::CpuPlans;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use gpu::GpuPlans;
pub(crate) use recorded::{RecordedProgram, by_replica};
pub(crate) use work::{Plans, Work};

#[cfg(not(target_arch = "wasm32"))]
use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
use crate::{error::Error, plan::BufferId};

/// Receives the words `[replica][buffer]` of the buffers that were read.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Receive<'a> = dyn FnMut(&[Vec<&[u32]>]) + 'a;

/// A program in training: its buffers, and what runs its plans.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) trait Executor: Send + Sync {
    /// Runs the plans that do `work`, or queues them behind the work before.
    ///
    /// # Errors
    /// [`Error::NoTaskStream`], [`Error::NoProbe`], or a device that fails.
    fn run(&mut self, work: Work) -> Result<(), Error>;

    /// Waits for all work and hands the words of `buffers` to `receive`, once.
    ///
    /// # Errors
    /// A device that fails.
    fn read(&mut self, buffers: &[BufferId], receive: &mut Receive<'_>) -> Result<(), Error>;

    /// Sets the words of one replica's part of a buffer before the next work.
    fn write(&mut self, buffer: BufferId, replica: usize, words: &[u32]) {
        self.write_at(buffer, replica, 0, words);
    }

    /// Sets words of one replica's part of a buffer, from `first` on, before the next work.
    fn write_at(&mut self, buffer: BufferId, replica: usize, first: usize, words: &[u32]);

    /// The longest time that a submission took; `None` where nothing is submitted.
    fn longest_submission(&self) -> Option<Duration>;
}
