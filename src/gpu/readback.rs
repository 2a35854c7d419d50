//! Copies of words from the device to the host.

use std::future::Future;

use futures_channel::oneshot;

use super::Error;
use super::faults::{caught, create_buffer};

/// A word that is copied after the data. It shows that the copies were made, because a staging buffer without a copy is
/// zero.
const COPIED: u32 = 0x5EED_C0DE;
const COPIED_SIZE: u64 = size_of::<u32>() as u64;

/// Decodes the words of each buffer.
type Decode<T> = Box<dyn FnOnce(&[&[u32]]) -> T + Send>;

/// Copies that were recorded into an encoder, to be read once that encoder is submitted.
///
/// `T` is the type of the decoded words. No method but [`Self::wait`] submits, polls or blocks.
#[must_use = "a readback that is not resolved is only a copy"]
pub struct Readback<T> {
    copies: Copies,
    decode: Decode<T>,
}

impl<T> Readback<T> {
    /// Records copies of whole buffers. `decode` gets the words of each.
    pub(crate) fn record(
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        sources: &[&wgpu::Buffer],
        decode: impl FnOnce(&[&[u32]]) -> T + Send + 'static,
    ) -> Self {
        Self {
            copies: Copies::record(device, encoder, sources),
            decode: Box::new(decode),
        }
    }

    /// Requests the words. Call it after the encoder was submitted. The future is ready when the
    /// device has been polled past that submission, which on the web happens by itself.
    ///
    /// # Errors
    /// [`Error::NotSubmitted`] where the encoder was dropped; [`Error::Device`] when the device is lost or cannot map
    /// the copy; [`Error::OutOfMemory`] when there was no memory for it.
    pub fn resolve(self) -> impl Future<Output = Result<T, Error>> {
        self.copies.resolve(self.decode)
    }

    /// Requests the words as [`Self::resolve`] does, and waits for the device that the copies were recorded for. It is
    /// for native programs.
    ///
    /// # Errors
    /// The errors of [`Self::resolve`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn wait(self) -> Result<T, Error> {
        self.copies.wait(self.decode)
    }
}

/// Copies of buffers in memory that the host can map.
pub(super) struct Copies {
    device: wgpu::Device,
    /// Staging buffers, one for each source: all sources together may exceed the largest buffer. The last holds
    /// [`COPIED`].
    staging: Result<Vec<wgpu::Buffer>, Error>,
}

impl Copies {
    /// Records copies of whole buffers.
    pub(super) fn record(
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        sources: &[&wgpu::Buffer],
    ) -> Self {
        let mut copy = |source: &wgpu::Buffer| {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
            let staging = create_buffer(device, "readback", source.size(), usage, None)?;
            encoder.copy_buffer_to_buffer(source, 0, &staging, 0, source.size());
            Ok(staging)
        };
        let mut copy_all = || {
            let copies: Result<Vec<_>, Error> = sources.iter().map(|source| copy(source)).collect();
            let usage = wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC;
            let word = COPIED.to_ne_bytes();
            let word = create_buffer(device, "copied", COPIED_SIZE, usage, Some(&word))?;
            let mut copies = copies?;
            copies.push(copy(&word)?);
            Ok(copies)
        };
        Self {
            device: device.clone(),
            staging: copy_all(),
        }
    }

    /// Requests the words of each buffer; see [`Readback::resolve`].
    fn resolve<T, D: FnOnce(&[&[u32]]) -> T>(
        self,
        decode: D,
    ) -> impl Future<Output = Result<T, Error>> + use<T, D> {
        let map = |staging: &wgpu::Buffer| {
            let (sender, receiver) = oneshot::channel();
            let map = || {
                staging.map_async(wgpu::MapMode::Read, .., move |mapped| {
                    // Sending fails where the future was dropped; nobody waits for the result then.
                    let _ = sender.send(mapped);
                });
            };
            // A device that was lost before the copy was recorded reports its buffer as invalid.
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
            match words.split_last() {
                Some((&[COPIED], words)) => Ok(decode(words)),
                _ => Err(Error::NotSubmitted),
            }
        }
    }

    /// Waits for the words of each buffer; see [`Readback::wait`].
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn wait<T>(self, decode: impl FnOnce(&[&[u32]]) -> T) -> Result<T, Error> {
        let device = self.device.clone();
        let future = self.resolve(decode);
        device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| Error::Device {
                doing: "waiting for a readback",
                reason: error.to_string(),
            })?;
        pollster::block_on(future)
    }
}

fn failed(reason: String) -> Error {
    Error::Device {
        doing: "reading back",
        reason,
    }
}
