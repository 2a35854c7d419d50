//! Helpers of the integration tests: the devices to test on, and the comparison of floats.

#![allow(dead_code, unreachable_pub)]

pub mod notice;

use std::collections::BTreeSet;
use std::sync::{Arc, Once};

use notice::notice;
use trainable::gpu::{Gpu, adapters};
use trainable::{Compute, wgpu};

/// The advice on how a machine without a GPU gets adapters.
const SOFTWARE_DRIVERS: &str = "A software driver runs the shaders on any machine. Debian: \
    apt-get install libvulkan1 mesa-vulkan-drivers libegl1 libgl1-mesa-dri libgles2";

/// Opens every adapter of this machine. A notice names the adapters that do not open.
///
/// # Panics
///
/// Panics for the reason of [`expect_adapters`].
pub fn gpus() -> Vec<Arc<Gpu>> {
    let found = pollster::block_on(adapters(wgpu::Backends::all()));
    let opened = found
        .iter()
        .filter_map(|(_, adapter)| Some((adapter.get_info().backend, open(adapter)?)));
    let (backends, gpus): (Vec<_>, Vec<_>) = opened.map(|(b, gpu)| (b, Arc::new(gpu))).unzip();
    for gpu in &gpus {
        eprintln!("testing on {}", gpu.adapter);
    }
    expect_adapters(&backends);
    gpus
}

/// Opens the adapter. A notice says so where it gives no device.
///
/// # Panics
///
/// The device computes wrongly.
pub fn open(adapter: &wgpu::Adapter) -> Option<Gpu> {
    let opened = pollster::block_on(Gpu::open(adapter));
    let opened = opened.and_then(|gpu| pollster::block_on(gpu.verify()).map(|()| gpu));
    let refused = |error| {
        assert!(
            !matches!(error, trainable::gpu::Error::WrongResults { .. }),
            "{error}"
        );
        // The alternate form appends the causes.
        let error = anyhow::Error::new(error);
        notice(&format!("{error:#}; NOTHING IS TESTED on this adapter"));
    };
    opened.map_err(refused).ok()
}

/// Takes the backend of each adapter that opened. Without one, a notice says that the calling test runs no shader.
///
/// # Panics
///
/// There are fewer different backends than `TRAINABLE_REQUIRE_GPU` requires: 2 requires Vulkan and GL on Linux.
pub fn expect_adapters(opened: &[wgpu::Backend]) {
    static SAY_HOW: Once = Once::new();
    if opened.is_empty() {
        notice("NO SHADER RAN, because no GPU adapter opened");
        SAY_HOW.call_once(|| notice(SOFTWARE_DRIVERS));
    }
    let Ok(required) = std::env::var("TRAINABLE_REQUIRE_GPU") else {
        return;
    };
    let required: usize = required.parse().expect("TRAINABLE_REQUIRE_GPU is a number");
    let backends: BTreeSet<_> = opened.iter().map(|backend| backend.to_str()).collect();
    assert!(
        backends.len() >= required,
        "TRAINABLE_REQUIRE_GPU: wanted adapters of {required} backends, found {backends:?}"
    );
}

/// The CPU executor and every adapter that opens, each with its name.
pub fn computes() -> Vec<(String, Compute)> {
    let gpus = gpus()
        .into_iter()
        .map(|gpu| (gpu.adapter.to_string(), Compute::Gpu(gpu)));
    std::iter::once(("CPU executor".to_owned(), Compute::Cpu))
        .chain(gpus)
        .collect()
}

/// The largest allowed distance of two floats: `atol + rtol * |reference|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub atol: f64,
    pub rtol: f64,
}

/// Compares element by element. The error names the element that is furthest out of tolerance; an element that is not
/// finite is out of any tolerance.
pub fn compare(
    values: impl IntoIterator<Item = f64>,
    references: impl IntoIterator<Item = f64>,
    tolerance: Tolerance,
) -> Result<(), String> {
    let values: Vec<f64> = values.into_iter().collect();
    let references: Vec<f64> = references.into_iter().collect();
    if values.len() != references.len() {
        return Err(format!(
            "{} elements, {} wanted",
            values.len(),
            references.len()
        ));
    }
    let excess = |value: f64, reference: f64| {
        let allowed = tolerance.atol + tolerance.rtol * reference.abs();
        let difference = (value - reference).abs();
        if difference.is_finite() {
            difference / allowed
        } else {
            f64::INFINITY
        }
    };
    let worst = (0..values.len()).max_by(|&i, &j| {
        excess(values[i], references[i]).total_cmp(&excess(values[j], references[j]))
    });
    match worst {
        Some(i) if excess(values[i], references[i]) > 1.0 => Err(format!(
            "worst at {i} of {}: {} instead of {} ({:.3} times the tolerance)",
            values.len(),
            values[i],
            references[i],
            excess(values[i], references[i]),
        )),
        _ => Ok(()),
    }
}

/// Pseudo-random numbers, uniform on [-1, 1), the same for the same `seed`.
pub fn noise(seed: u32, count: usize) -> Vec<f32> {
    (0..count as u32)
        .map(|i| {
            2.0 * trainable::rng::unit_uniform(trainable::rng::pcg4d([seed, 99, 0, i])[3]) - 1.0
        })
        .collect()
}

/// Reads all words of a buffer. Blocks until the device has finished.
pub fn read_buffer(device: &wgpu::Device, queue: &wgpu::Queue, buffer: &wgpu::Buffer) -> Vec<u32> {
    let staging = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: buffer.size(),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, buffer.size());
    queue.submit([encoder.finish()]);
    staging.map_async(wgpu::MapMode::Read, .., |mapped| mapped.expect("mapping"));
    device
        .poll(wgpu::PollType::wait_indefinitely())
        .expect("polling");
    let view = staging.get_mapped_range(..).expect("mapped");
    bytemuck::cast_slice(&view).to_vec()
}
