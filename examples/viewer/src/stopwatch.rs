//! Measures the time of a compute pass on the device, and reads it back without waiting.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use trainable::wgpu;

/// The size of the two timestamps in bytes.
const BYTES: u64 = 16;

/// A stopwatch that times one pass at a time.
pub(crate) struct Stopwatch {
    queries: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    staging: wgpu::Buffer,
    nanoseconds_per_tick: f64,
    state: State,
}

enum State {
    Idle,
    /// A pass was recorded, but not submitted yet.
    Recorded,
    /// The timestamps are on their way.
    Mapping(Receiver<Result<(), wgpu::BufferAsyncError>>),
}

impl Stopwatch {
    /// Creates a stopwatch; `None` on a device without timestamps.
    pub(crate) fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Option<Self> {
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return None;
        }
        let buffer = |label, usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: BYTES,
                usage,
                mapped_at_creation: false,
            })
        };
        use wgpu::BufferUsages as Usage;
        Some(Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("stopwatch"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer("timestamps", Usage::QUERY_RESOLVE | Usage::COPY_SRC),
            staging: buffer("timestamps read back", Usage::MAP_READ | Usage::COPY_DST),
            nanoseconds_per_tick: queue.get_timestamp_period().into(),
            state: State::Idle,
        })
    }

    /// Returns whether the next pass can be timed.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Returns the timestamp queries of the pass to time.
    pub(crate) fn timestamp_writes(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    /// Records the readback of the timestamps after the pass.
    pub(crate) fn encode_read(&mut self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.staging, 0, BYTES);
        self.state = State::Recorded;
    }

    /// Requests the timestamps after the submission.
    pub(crate) fn submitted(&mut self) {
        if let State::Recorded = self.state {
            let (sender, receiver) = channel();
            self.staging
                .map_async(wgpu::MapMode::Read, .., move |mapped| {
                    // The receiver is gone after the session was dropped, and then nobody needs the result.
                    let _ = sender.send(mapped);
                });
            self.state = State::Mapping(receiver);
        }
    }

    /// Returns the time of the pass as soon as it has arrived. A readback that fails gives no time and is not an error.
    pub(crate) fn elapsed(&mut self) -> Option<Duration> {
        let State::Mapping(receiver) = &self.state else {
            return None;
        };
        let mapped = receiver.try_recv().ok()?;
        self.state = State::Idle;
        mapped.ok()?;
        let ticks = {
            let view = self.staging.get_mapped_range(..).ok()?;
            let tick = |at: usize| view[at..at + 8].try_into().map(u64::from_le_bytes).ok();
            Some(tick(8)?.saturating_sub(tick(0)?))
        };
        self.staging.unmap();
        let nanoseconds = ticks? as f64 * self.nanoseconds_per_tick;
        Some(Duration::from_nanos(nanoseconds as u64))
    }
}
