//! Catches the errors of a device as values.

use super::Error;

/// Runs `work` and returns its result, or the first error of this kind that the device reported meanwhile.
///
/// On the web errors arrive later and go to the owner of the device.
pub(super) fn caught<T>(
    device: &wgpu::Device,
    filter: wgpu::ErrorFilter,
    work: impl FnOnce() -> T,
) -> Result<T, wgpu::Error> {
    #[cfg(target_arch = "wasm32")]
    let (_, _) = (device, filter);
    #[cfg(not(target_arch = "wasm32"))]
    let scope = device.push_error_scope(filter);
    let result = work();
    #[cfg(not(target_arch = "wasm32"))]
    if let Some(error) = pollster::block_on(scope.pop()) {
        return Err(error);
    }
    Ok(result)
}

/// Creates a buffer and fills it with `contents`, if any are given.
///
/// # Errors
/// [`Error::OutOfMemory`]; [`Error::Device`] when the device is lost.
pub(super) fn create_buffer(
    device: &wgpu::Device,
    label: &str,
    size: u64,
    usage: wgpu::BufferUsages,
    contents: Option<&[u8]>,
) -> Result<wgpu::Buffer, Error> {
    let contents = contents.filter(|contents| !contents.is_empty());
    let descriptor = wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage,
        mapped_at_creation: contents.is_some(),
    };
    let create = || device.create_buffer(&descriptor);
    let buffer = caught(device, wgpu::ErrorFilter::OutOfMemory, create).map_err(|_| {
        let buffer = label.to_owned();
        Error::OutOfMemory {
            buffer,
            bytes: size,
        }
    })?;
    if let Some(contents) = contents {
        let mut view = buffer
            .get_mapped_range_mut(..)
            .map_err(|error| Error::Device {
                doing: "filling a buffer",
                reason: error.to_string(),
            })?;
        view.copy_from_slice(contents);
        drop(view);
        buffer.unmap();
    }
    Ok(buffer)
}
