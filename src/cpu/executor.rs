//! Runs a program's plans on the CPU.

use std::time::{Duration, Instant};

use bytemuck::cast_slice;
use rayon::prelude::*;

use super::{Array, twin};
use crate::plan::{BufferId, BufferSpec, Contents, Dispatch, Plan, Program};

/// A program's buffers in main memory, on which the twins run.
///
/// Replicas are independent: each runs a whole plan by itself, on whichever thread is free.
pub struct CpuExecutor {
    /// `replicas[r][buffer]`
    replicas: Vec<Vec<Array>>,
}

impl CpuExecutor {
    /// Allocates and fills the buffers.
    pub fn new(program: &Program) -> Self {
        let replica = |r: usize| {
            let own = |buffer: &BufferSpec| match &buffer.contents {
                Contents::Words(words) if buffer.shared => Array::Shared(words.clone()),
                Contents::Words(words) => {
                    Array::Own(words[r * buffer.words..(r + 1) * buffer.words].to_vec())
                }
                Contents::Zero => Array::Own(vec![0; buffer.words]),
            };
            program.declared.iter().map(own).collect()
        };
        Self {
            replicas: (0..program.replicas as usize).map(replica).collect(),
        }
    }

    /// Runs `plan` `times` times.
    pub fn run(&mut self, plan: &Plan, times: u32) {
        self.replicas.par_iter_mut().for_each(|arrays| {
            for _ in 0..times {
                plan.dispatches
                    .iter()
                    .for_each(|dispatch| run_dispatch(dispatch, arrays));
            }
        });
    }

    /// Runs `plan` once and returns the time of each dispatch. A dispatch ends for all replicas before the next begins.
    /// It shows where the time goes; [`Self::run`] is faster.
    pub fn run_timed(&mut self, plan: &Plan) -> Vec<Duration> {
        let run = |dispatch| {
            let begin = Instant::now();
            self.replicas
                .par_iter_mut()
                .for_each(|arrays| run_dispatch(dispatch, arrays));
            begin.elapsed()
        };
        plan.dispatches.iter().map(run).collect()
    }

    /// The words of one replica's part of a buffer.
    pub fn read(&self, buffer: BufferId, replica: usize) -> &[u32] {
        self.replicas[replica][buffer.0].read()
    }

    /// Sets the words of one replica's part of a buffer.
    pub fn write<T: bytemuck::Pod>(&mut self, buffer: BufferId, replica: usize, values: &[T]) {
        self.replicas[replica][buffer.0]
            .write::<u32>()
            .copy_from_slice(cast_slice(values));
    }

    /// Sets words of one replica's part of a buffer, from `first` on.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn write_at(
        &mut self,
        buffer: BufferId,
        replica: usize,
        first: usize,
        words: &[u32],
    ) {
        let part = self.replicas[replica][buffer.0].write::<u32>();
        part[first..first + words.len()].copy_from_slice(words);
    }
}

/// Lends the bound arrays to the kernel's twin, in the kernel's order.
fn run_dispatch(dispatch: &Dispatch, arrays: &mut [Array]) {
    let lent = |id: &BufferId| std::mem::take(&mut arrays[id.0]);
    let mut bound: Vec<Array> = dispatch.buffers.iter().map(lent).collect();
    twin(dispatch.kernel)(&dispatch.params, &mut bound);
    for (id, array) in dispatch.buffers.iter().zip(bound) {
        arrays[id.0] = array;
    }
}
