//! Opening a device for programs that have none of their own.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::Error;

/// The description that an adapter gives of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// The name that the driver gives.
    pub name: String,
    /// The graphics interface through which the adapter is reached.
    pub backend: wgpu::Backend,
    /// The kind of device; `Cpu` for a software rasteriser.
    pub kind: wgpu::DeviceType,
    /// The driver and its version, as far as they are known.
    pub driver: String,
}

impl AdapterSummary {
    fn new(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        Self {
            name: info.name,
            backend: info.backend,
            kind: info.device_type,
            driver: format!("{} {}", info.driver, info.driver_info)
                .trim()
                .to_owned(),
        }
    }

    /// Whether the adapter is hardware. An OpenGL driver that does not say counts as hardware.
    pub fn is_hardware(&self) -> bool {
        self.kind != wgpu::DeviceType::Cpu
    }

    /// The sort key of adapters: discrete before integrated before the rest, and native interfaces before OpenGL.
    fn rank(&self) -> (u32, bool) {
        let kind = match self.kind {
            wgpu::DeviceType::DiscreteGpu => 0,
            wgpu::DeviceType::IntegratedGpu => 1,
            wgpu::DeviceType::VirtualGpu => 2,
            wgpu::DeviceType::Other => 3,
            wgpu::DeviceType::Cpu => 4,
        };
        (kind, self.backend == wgpu::Backend::Gl)
    }
}

impl fmt::Display for AdapterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}, {})", self.name, self.backend, self.driver)
    }
}

/// A device that this module opened. Its errors are caught and kept; they do not panic.
#[derive(Debug)]
pub struct Gpu {
    /// The adapter that the device belongs to.
    pub adapter: AdapterSummary,
    /// The device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    failure: Arc<Mutex<Option<String>>>,
}

/// All adapters of these backends, best first.
pub async fn adapters(backends: wgpu::Backends) -> Vec<(AdapterSummary, wgpu::Adapter)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut found: Vec<_> = instance
        .enumerate_adapters(backends)
        .await
        .into_iter()
        .map(|adapter| (AdapterSummary::new(&adapter), adapter))
        .collect();
    found.sort_by_key(|(summary, _)| summary.rank());
    found
}

/// All adapters, best first. OpenGL is tried only where no other interface has an adapter, because its drivers look for
/// a display and are a worse interface to the same devices.
pub async fn present_adapters() -> Vec<(AdapterSummary, wgpu::Adapter)> {
    first_with_any(adapters).await
}

/// Looks through the native interfaces and, if it finds nothing there, through OpenGL.
async fn first_with_any<T>(look: impl AsyncFn(wgpu::Backends) -> Vec<T>) -> Vec<T> {
    let native = look(wgpu::Backends::all() - wgpu::Backends::GL).await;
    if native.is_empty() {
        return look(wgpu::Backends::GL).await;
    }
    native
}

impl Gpu {
    /// Opens a device without optional features. Its limits are WebGPU's defaults, or the adapter's where those are
    /// lower; its buffers may be as large as the adapter allows.
    ///
    /// # Errors
    /// [`Error::NoDevice`] with the adapter's reason.
    pub async fn open(adapter: &wgpu::Adapter) -> Result<Self, Error> {
        Self::open_with(adapter, wgpu::Features::empty()).await
    }

    /// Does the same as [`Self::open`] and enables features for the caller's own use, such as timestamps.
    ///
    /// # Errors
    /// The errors of [`Self::open`].
    pub async fn open_with(
        adapter: &wgpu::Adapter,
        features: wgpu::Features,
    ) -> Result<Self, Error> {
        let summary = AdapterSummary::new(adapter);
        let available = adapter.limits();
        let limits = wgpu::Limits {
            max_buffer_size: available.max_buffer_size,
            max_storage_buffer_binding_size: available.max_storage_buffer_binding_size,
            ..wgpu::Limits::default().or_worse_values_from(&available)
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("trainable"),
            required_features: features,
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|source| Error::NoDevice {
                adapter: summary.to_string(),
                source,
            })?;
        let failure = Arc::new(Mutex::new(None));
        let remember = |failure: &Arc<Mutex<Option<String>>>| {
            let failure = failure.clone();
            move |reason: String| {
                log::error!("device: {reason}");
                let mut first = failure
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                first.get_or_insert(reason);
            }
        };
        let uncaptured = remember(&failure);
        device.on_uncaptured_error(Arc::new(move |error| uncaptured(error.to_string())));
        let lost = remember(&failure);
        device.set_device_lost_callback(move |reason, message| {
            lost(format!("device lost ({reason:?}): {message}"));
        });
        Ok(Self {
            adapter: summary,
            device,
            queue,
            failure,
        })
    }

    /// The first error that the device has reported, if any.
    ///
    /// # Errors
    /// [`Error::Device`]
    pub fn check(&self, doing: &'static str) -> Result<(), Error> {
        let failure = self
            .failure
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match &*failure {
            Some(reason) => Err(Error::Device {
                doing,
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Returns the sets of backends that are searched, in order, and the result, where only `present` have an adapter.
    fn asked(present: wgpu::Backends) -> (Vec<wgpu::Backends>, Vec<wgpu::Backends>) {
        let asked = RefCell::new(Vec::new());
        let look = async |backends: wgpu::Backends| {
            asked.borrow_mut().push(backends);
            (backends & present).iter().collect()
        };
        let found = pollster::block_on(first_with_any(look));
        (asked.into_inner(), found)
    }

    #[test]
    fn opengl_is_asked_only_where_there_is_nothing_else() {
        use wgpu::Backends;
        let native = Backends::all() - Backends::GL;
        assert!(native.contains(Backends::VULKAN | Backends::METAL | Backends::DX12));
        let both = Backends::VULKAN | Backends::GL;
        assert_eq!(asked(both), (vec![native], vec![Backends::VULKAN]));
        let (looked, found) = asked(Backends::GL);
        assert_eq!(
            (looked, found),
            (vec![native, Backends::GL], vec![Backends::GL])
        );
        assert_eq!(
            asked(Backends::empty()),
            (vec![native, Backends::GL], vec![])
        );
    }
}
