//! Peak rates of a machine: multiply-adds that never leave the registers, and large copies.

use std::hint::black_box;
use std::time::{Duration, Instant};

use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use trainable::gpu::{self, Gpu};
use trainable::{Compute, wgpu};

/// Measured peak rates.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    /// Floating-point operations per second; a multiply-add counts as two.
    pub(super) flop: f64,
    /// Bytes read and written per second by a copy.
    pub(super) bytes: f64,
}

/// Shortest accepted duration of a measurement; the size grows until it takes this long.
const LONG_ENOUGH: Duration = Duration::from_millis(100);

/// Measures both rates.
///
/// # Errors
/// The device failed.
pub(super) fn measure(compute: &Compute) -> Result<Peak, gpu::Error> {
    match compute {
        Compute::Cpu => Ok(Peak {
            flop: cpu_multiply_adds(),
            bytes: cpu_copies(),
        }),
        Compute::Gpu(gpu) => Ok(Peak {
            flop: gpu_multiply_adds(gpu)?,
            bytes: gpu_copies(gpu)?,
        }),
    }
}

/// Returns the best rate of several runs of `work`. `work` takes a size and returns the amount of work done. The size
/// doubles until a run takes long enough.
fn best_rate(mut work: impl FnMut(u32) -> Result<f64, gpu::Error>) -> Result<f64, gpu::Error> {
    let mut size = 1;
    let mut timed = |size| {
        let start = Instant::now();
        let done = work(size)?;
        Ok::<_, gpu::Error>((done / start.elapsed().as_secs_f64(), start.elapsed()))
    };
    while timed(size)?.1 < LONG_ENOUGH && size < 1 << 30 {
        size *= 2;
    }
    let mut best = 0.0_f64;
    for _ in 0..3 {
        best = best.max(timed(size)?.0);
    }
    Ok(best)
}

// ---- CPU ----

/// Independent chains in each thread: enough to fill the pipeline of any processor, and few enough for its registers.
const CHAINS: usize = 12;

fn cpu_multiply_adds() -> f64 {
    let rate = best_rate(|size| {
        let work = |thread: usize| {
            pulp::Arch::new().dispatch(Chains {
                factor: 0.5 + 1e-6 * thread as f32,
                rounds: u64::from(size) * 10_000,
            })
        };
        let threads = 0..rayon::current_num_threads();
        Ok(threads.into_par_iter().map(work).sum())
    });
    rate.expect("nothing in it fails")
}

/// Runs chains of multiply-adds on the widest vectors of this processor; returns the number of operations.
struct Chains {
    factor: f32,
    rounds: u64,
}

impl WithSimd for Chains {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let factor = simd.splat_f32s(self.factor);
        let addend = simd.splat_f32s(1.0);
        let mut values = [factor; CHAINS];
        for _ in 0..self.rounds {
            for value in &mut values {
                *value = simd.mul_add_f32s(*value, factor, addend);
            }
        }
        black_box(values);
        self.rounds as f64 * (2 * CHAINS * S::F32_LANES) as f64
    }
}

fn cpu_copies() -> f64 {
    /// Bytes of the copy, 64 MiB: more than any cache of these machines holds.
    const LENGTH: usize = 16 << 20;
    let source = vec![1.0_f32; LENGTH];
    let mut target = vec![0.0_f32; LENGTH];
    let rate = best_rate(|times| {
        for _ in 0..times {
            let chunks = target.par_chunks_mut(1 << 18);
            chunks
                .zip(source.par_chunks(1 << 18))
                .for_each(|(target, source)| target.copy_from_slice(source));
            black_box(&mut target);
        }
        Ok(f64::from(times) * 8.0 * LENGTH as f64)
    });
    rate.expect("nothing in it fails")
}

// ---- GPU ----

/// Submits commands and waits for them.
fn finish(gpu: &Gpu, encoder: wgpu::CommandEncoder) -> Result<(), gpu::Error> {
    gpu.queue.submit([encoder.finish()]);
    let waited = gpu.device.poll(wgpu::PollType::wait_indefinitely());
    waited.map_err(|error| gpu::Error::Device {
        doing: "measuring",
        reason: error.to_string(),
    })?;
    gpu.check("measuring")
}

fn gpu_multiply_adds(gpu: &Gpu) -> Result<f64, gpu::Error> {
    const WORKGROUPS: u32 = 8_192;
    const INVOCATIONS: u64 = 64 * WORKGROUPS as u64;
    /// Operations of one iteration: eight chains of four lanes, two operations each.
    const FLOP_A_ROUND: u64 = 8 * 4 * 2;
    let device = &gpu.device;
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("multiply_add"),
        source: wgpu::ShaderSource::Wgsl(include_str!("multiply_add.wgsl").into()),
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("multiply_add"),
        layout: None,
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    });
    let buffer = |size, usage| {
        device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("multiply_add"),
            size,
            usage,
            mapped_at_creation: false,
        })
    };
    let params = buffer(
        16,
        wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
    );
    let sums = buffer(INVOCATIONS * 16, wgpu::BufferUsages::STORAGE);
    let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("multiply_add"),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: params.as_entire_binding(),
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: sums.as_entire_binding(),
            },
        ],
    });
    best_rate(|rounds| {
        gpu.queue
            .write_buffer(&params, 0, bytemuck::cast_slice(&[rounds, 0, 0, 0]));
        let mut encoder = device.create_command_encoder(&Default::default());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.dispatch_workgroups(WORKGROUPS, 1, 1);
        drop(pass);
        finish(gpu, encoder)?;
        Ok(f64::from(rounds) * (INVOCATIONS * FLOP_A_ROUND) as f64)
    })
}

fn gpu_copies(gpu: &Gpu) -> Result<f64, gpu::Error> {
    let size = gpu.device.limits().max_buffer_size.min(256 << 20);
    let buffer = || {
        gpu.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("copy"),
            size,
            usage: wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    };
    let (source, target) = (buffer(), buffer());
    best_rate(|times| {
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        for _ in 0..times {
            encoder.copy_buffer_to_buffer(&source, 0, &target, 0, size);
        }
        finish(gpu, encoder)?;
        Ok(f64::from(times) * 2.0 * size as f64)
    })
}
