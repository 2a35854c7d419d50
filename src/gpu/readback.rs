//! Words on their way from the device to the host.

use std::future::Future;

use futures_channel::oneshot;

use crate::error::Error;
use crate::gpu::faults::{caught, create_buffer};

/// Makes what the reader wants of the words.
type Decode<T> = Box<dyn FnOnce(&[u32]) -> T + Send>;

/// A copy that was recorded into an encoder, to be read once that encoder is submitted.
///
/// `T` is what the words mean. Nothing here submits, polls or blocks but [`Self::wait`].
#[must_use = "a readback that is not resolved is only a copy"]
pub struct Readback<T> {
    device: wgpu::Device,
    staging: Result<wgpu::Buffer, Error>,
    decode: Decode<T>,
}

impl<T> Readback<T> {
    /// Records copies of whole buffers; `decode` gets their words one after the other.
    pub(crate) fn record(
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        sources: &[&wgpu::Buffer],
        decode: impl FnOnce(&[u32]) -> T + Send + 'static,
    ) -> Self {
        let size = sources.iter().map(|source| source.size()).sum();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let staging = create_buffer(device, "readback", size, usage, None);
        let mut offset = 0;
        for source in sources {
            if let Ok(staging) = &staging {
                encoder.copy_buffer_to_buffer(source, 0, staging, offset, source.size());
            }
            offset += source.size();
        }
        Self {
            device: device.clone(),
            staging,
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
        let (sender, receiver) = oneshot::channel();
        let staging = self.staging.and_then(|staging| {
            let map = || {
                staging.map_async(wgpu::MapMode::Read, .., move |mapped| {
                    // The receiver is gone when the future was dropped: then nobody wants to know.
                    let _ = sender.send(mapped);
                });
            };
            // A device that was lost before the copy was recorded calls its buffer invalid.
            caught(&self.device, wgpu::ErrorFilter::Validation, map)
                .map_err(|error| failed(error.to_string()))?;
            Ok(staging)
        });
        async move {
            let staging = staging?;
            receiver
                .await
                .map_err(|_| failed("the device was dropped".to_owned()))?
                .map_err(|error| failed(error.to_string()))?;
            let bytes = staging
                .get_mapped_range(..)
                .map_err(|error| failed(error.to_string()))?;
            Ok((self.decode)(bytemuck::cast_slice(&bytes)))
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
