//! Words on their way from the device to the host.

use std::future::Future;

use futures_channel::oneshot;

use crate::error::Error;
use crate::gpu::faults::{caught, create_buffer};

/// Makes what the reader wants of the words of each buffer.
type Decode<T> = Box<dyn FnOnce(&[&[u32]]) -> T + Send>;

/// Copies that were recorded into an encoder, to be read once that encoder is submitted.
///
/// `T` is what the words mean. Nothing here submits, polls or blocks but [`Self::wait`].
#[must_use = "a readback that is not resolved is only a copy"]
pub struct Readback<T> {
    device: wgpu::Device,
    /// One for each source: all sources together may be larger than the largest buffer.
    staging: Result<Vec<wgpu::Buffer>, Error>,
    decode: Decode<T>,
}

impl<T> Readback<T> {
    /// Records copies of whole buffers; `decode` gets the words of each.
    pub(crate) fn record(
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        sources: &[&wgpu::Buffer],
        decode: impl FnOnce(&[&[u32]]) -> T + Send + 'static,
    ) -> Self {
        let mut copy = |source: &&wgpu::Buffer| {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            let staging = create_buffer(device, "readback", source.size(), usage, None)?;
            encoder.copy_buffer_to_buffer(source, 0, &staging, 0, source.size());
            Ok(staging)
        };
        Self {
            device: device.clone(),
            staging: sources.iter().map(&mut copy).collect(),
            decode: Box::new(decode),
        }
    }

    /// Asks for the words; call it after the encoder was submitted. The future is ready when the
    /// device has been polled past that submission, which on the web happens by itself.
    ///
    /// # Errors
    /// [`Error::Device`] when the device is lost or cannot map the copy; [`Error::OutOfMemory`] when there
    /// was no memory for it.
    pub fn resolve(self) -> impl Future<Output = Result<T, Error>> {
        let failed = |reason: String| Error::Device {
            doing: "reading back",
            reason,
        };
        let map = |staging: &wgpu::Buffer| {
            let (sender, receiver) = oneshot::channel();
            let map = || {
                staging.map_async(wgpu::MapMode::Read, .., move |mapped| {
                    // The receiver is gone when the future was dropped: then nobody wants to know.
                    let _ = sender.send(mapped);
                });
            };
            // A device that was lost before the copy was recorded calls its buffer invalid.
            caught(&self.device, wgpu::ErrorFilter::Validation, map)
                .map_err(|error| failed(error.to_string()))?;
            Ok(receiver)
        };
        let mapping = self.staging.and_then(|staging| {
            let receivers: Result<Vec<_>, Error> = staging.iter().map(map).collect();
            Ok((staging, receivers?))
        });
        async move {
            let (staging, receivers) = mapping?;
            for receiver in receivers {
                receiver
                    .await
                    .map_err(|_| failed("the device was dropped".to_owned()))?
                    .map_err(|error| failed(error.to_string()))?;
            }
            let mapped = staging.iter().map(|staging| {
                staging
                    .get_mapped_range(..)
                    .map_err(|error| failed(error.to_string()))
            });
            let views = mapped.collect::<Result<Vec<_>, _>>()?;
            let words: Vec<&[u32]> = views.iter().map(|v| bytemuck::cast_slice(v)).collect();
            Ok((self.decode)(&words))
        }
    }

    /// As [`Self::resolve`], but waits; for native programs.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(self, device: &wgpu::Device) -> Result<T, Error> {
        let future = self.resolve();
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| Error::Device {
                doing: "waiting for a readback",
                reason: error.to_string(),
            })?;
        pollster::block_on(future)
    }
}
