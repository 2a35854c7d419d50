//! Runs a program's plans on the CPU.

use std::time::{Duration, Instant};

use bytemuck::cast_slice;
use rayon::prelude::*;

use super::{Array, fused, twin};
use crate::plan::{BufferId, BufferSpec, Contents, Dispatch, Fused, Plan, Program};

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
                pieces(plan).for_each(|dispatches| run_piece(dispatches, arrays));
            }
        });
    }

    /// Runs `plan` once and returns the time of each dispatch. A dispatch ends for all replicas before the next begins.
    /// Fused dispatches are timed together: the first has their time, and the others have none. It shows where the time
    /// goes; [`Self::run`] is faster.
    pub fn run_timed(&mut self, plan: &Plan) -> Vec<Duration> {
        let mut times = vec![Duration::ZERO; plan.dispatches.len()];
        let mut first = 0;
        for dispatches in pieces(plan) {
            let begin = Instant::now();
            self.replicas
                .par_iter_mut()
                .for_each(|arrays| run_piece(dispatches, arrays));
            times[first] = begin.elapsed();
            first += dispatches.len();
        }
        times
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

/// The plan cut into single dispatches and fused ones.
fn pieces(plan: &Plan) -> impl Iterator<Item = &[Dispatch]> {
    let mut rest = &plan.dispatches[..];
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let count = first.fused.as_ref().map_or(1, |fused| fused.dispatches);
        rest.split_off(..count)
    })
}

/// Runs one dispatch by its twin, or several that are fused.
fn run_piece(dispatches: &[Dispatch], arrays: &mut [Array]) {
    match &dispatches[0].fused {
        Some(Fused {
            work,
            buffers,
            scratch,
            ..
        }) => {
            let bound = [&buffers[..], scratch].concat();
            lend(&bound, arrays, |bound| fused::run(*work, bound));
        }
        None => {
            let Dispatch {
                kernel,
                params,
                buffers,
                ..
            } = &dispatches[0];
            lend(buffers, arrays, |bound| twin(kernel)(params, bound));
        }
    }
}

/// Lends the bound arrays to a function, in its order.
fn lend(buffers: &[BufferId], arrays: &mut [Array], function: impl FnOnce(&mut [Array])) {
    let take = |id: &BufferId| std::mem::take(&mut arrays[id.0]);
    let mut bound: Vec<Array> = buffers.iter().map(take).collect();
    function(&mut bound);
    for (id, array) in buffers.iter().zip(bound) {
        arrays[id.0] = array;
    }
}
