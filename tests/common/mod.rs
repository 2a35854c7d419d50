//! What the integration tests share: the devices to test on, and how floats are compared.

#![allow(dead_code, unreachable_pub)]

use std::io::Write;
use std::sync::Arc;

use trainable::gpu::{Gpu, adapters};
use trainable::{Compute, wgpu};

/// Every adapter that opens. One that does not, and that there is none, is said loudly; fewer than
/// `TRAINABLE_REQUIRE_GPU` says are a failure.
pub fn gpus() -> Vec<Arc<Gpu>> {
    let found = pollster::block_on(adapters(wgpu::Backends::all()));
    let opened = found.iter().filter_map(|(_, adapter)| open(adapter));
    let gpus: Vec<_> = opened.map(Arc::new).collect();
    for gpu in &gpus {
        eprintln!("testing on {}", gpu.adapter);
    }
    if gpus.is_empty() {
        shout("NO GPU ADAPTER OPENED: the shaders are NOT being tested");
    }
    if let Ok(required) = std::env::var("TRAINABLE_REQUIRE_GPU") {
        let required: usize = required.parse().expect("TRAINABLE_REQUIRE_GPU is a number");
        assert!(
            gpus.len() >= required,
            "{required} adapters required, {} of {} opened",
            gpus.len(),
            found.len()
        );
    }
    gpus
}

/// The adapter's device; `None`, said loudly, where it gives none.
pub fn open(adapter: &wgpu::Adapter) -> Option<Gpu> {
    let opened = pollster::block_on(Gpu::open(adapter));
    let refused = |error| {
        // The alternate form appends the causes.
        let error = anyhow::Error::new(error);
        shout(&format!("{error:#}: it is NOT being tested"));
    };
    opened.map_err(refused).ok()
}

/// Writes to the process's standard error itself: libtest keeps what macros print of a test that passes.
fn shout(text: &str) {
    writeln!(std::io::stderr(), "\n*** {text} ***\n").expect("standard error");
}

/// The CPU executor and every adapter, by name.
pub fn computes() -> Vec<(String, Compute)> {
    let gpus = gpus()
        .into_iter()
        .map(|gpu| (gpu.adapter.to_string(), Compute::Gpu(gpu)));
    std::iter::once(("CPU executor".to_owned(), Compute::Cpu))
        .chain(gpus)
        .collect()
}

/// How far apart two floats may be: `atol + rtol * |reference|`.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub atol: f64,
    pub rtol: f64,
}

/// The worst element that is too far from its reference, or not finite, or missing.
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

/// Deterministic numbers for tests: uniform on [-1, 1).
pub fn noise(seed: u32, count: usize) -> Vec<f32> {
    (0..count as u32)
        .map(|i| {
            2.0 * trainable::rng::unit_uniform(trainable::rng::pcg4d([seed, 99, 0, i])[3]) - 1.0
        })
        .collect()
}

/// All words of a buffer, waiting for them.
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
