//! A program on a wgpu device.

use crate::error::Error;
use crate::gpu::{RecordedPlan, Recorder, Requirements};
use crate::plan::{BufferId, Program};

use super::{Plans, Work};

/// The buffers of a program on a device, and its plans, ready to be recorded.
pub(crate) struct RecordedProgram {
    recorder: Recorder,
    plans: Plans<RecordedPlan>,
    /// The number of words of one replica's part of each buffer.
    words: Vec<usize>,
}

impl RecordedProgram {
    /// Allocates buffers and compiles pipelines.
    ///
    /// # Errors
    /// A limit that the device does not reach, memory that runs out, or a device that fails.
    pub(crate) fn new(device: &wgpu::Device, program: &Program) -> Result<Self, Error> {
        Requirements::of(program).check(&device.limits())?;
        let mut recorder = Recorder::new(device, program)?;
        let plans = Plans::new(program, |plan| recorder.prepare(device, plan))?;
        let words = program.declared.iter().map(|buffer| buffer.words);
        Ok(Self {
            recorder,
            plans,
            words: words.collect(),
        })
    }

    /// A buffer on the device.
    pub(crate) fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        self.recorder.buffer(id)
    }

    /// The plans that do `work`, in their order, and how often each runs.
    ///
    /// # Errors
    /// As [`Plans::of`].
    pub(crate) fn plans(&self, work: Work) -> Result<Vec<(&RecordedPlan, u32)>, Error> {
        self.plans.of(work)
    }

    /// Sets words of one replica's part of a buffer, from `first` on, before the queue's next submission.
    pub(crate) fn write(
        &self,
        queue: &wgpu::Queue,
        buffer: BufferId,
        replica: usize,
        first: usize,
        words: &[u32],
    ) {
        let offset = (replica * self.words[buffer.0] + first) as u64 * 4;
        queue.write_buffer(self.buffer(buffer), offset, bytemuck::cast_slice(words));
    }
}

/// Cuts the words of each buffer into its replicas' parts: `[replica][buffer]`.
pub(crate) fn by_replica<'a>(buffers: &[&'a [u32]], replicas: usize) -> Vec<Vec<&'a [u32]>> {
    let part = |words: &&'a [u32], r: usize| {
        let length = words.len() / replicas;
        &words[r * length..(r + 1) * length]
    };
    let parts = |r| buffers.iter().map(|words| part(words, r)).collect();
    (0..replicas).map(parts).collect()
}
