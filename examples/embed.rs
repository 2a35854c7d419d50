//! Training inside another wgpu application.
//!
//! The host has its own device and draws a picture in every frame. The same command encoder, and so the same submission,
//! also holds a few training steps and sometimes a probe of curvature. The picture shows the weights of the first layer,
//! read from the engine's buffer on the device. Statistics arrive some frames later, and no frame waits for them. Halfway
//! the host lowers the step size. Later it stops in the middle of a task. There is no window; a real host would present
//! the picture.
//!
//!     cargo run --release --example embed -- --frames 60

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Parser;
use trainable::network::{Activation, Network};
use trainable::probe::{NotFinite, ProbeSpec, ProbeStats};
use trainable::spec::{ImageSet, ReplicaSpec, TaskStream, TrainingSpec};
use trainable::{Engine, Error, Requirements, gpu, wgpu};

const STEPS_PER_FRAME: u32 = 4;
const STEP_SIZE: f32 = 3e-3;
const LOWER_STEP_SIZE: f32 = 1e-3;
const FRAMES_PER_PROBE: u32 = 8;

/// Side of the images that the network learns, and units of its first layer.
const SIDE: u32 = 8;
const UNITS: u32 = 32;

/// The host's own kernel: it draws the weights from every pixel to every unit as grey levels, one row a unit.
const PAINT: &str = "
@group(0) @binding(0) var<storage, read> weights: array<f32>;  // [pixel, unit]
@group(0) @binding(1) var<storage, read_write> picture: array<u32>;  // [unit, pixel]

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let weight = weights[id.x * 32u + id.y];
    let grey = vec3(clamp(0.5 + weight, 0.0, 1.0));
    picture[id.y * 64u + id.x] = pack4x8unorm(vec4(grey, 1.0));
}
";

/// Trains inside a host application's frames, without a window.
#[derive(Parser)]
struct Options {
    /// Frames until the end
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    frames: u32,
}

/// Result of the probe of one replica.
type Stats = Result<ProbeStats, NotFinite>;
/// Readback of the probes of all replicas.
type Reading = Pin<Box<dyn Future<Output = Result<Vec<Stats>, gpu::Error>>>>;

fn main() -> Result<()> {
    let frames = Options::parse().frames;
    let spec = training()?;
    // The host requests the limits that the engine needs, and its own.
    let (device, queue) = pollster::block_on(open(&Requirements::new(&spec)?))?;
    let lengths = spec.task_lengths();
    let mut engine = Engine::new(&device, spec)?;
    let painter = Painter::new(&device, engine.parameters());

    let mut reading: Option<Reading> = None;
    let mut submitted = VecDeque::new();
    let mut begun = Instant::now();
    for frame in 0..frames {
        let frame_time = std::mem::replace(&mut begun, Instant::now()).elapsed();
        let mut encoder = device.create_command_encoder(&Default::default());
        if frame == 0 {
            engine.encode_initialise(&mut encoder);
        }
        if frame == frames / 2 {
            // The new step size applies from this submission on.
            engine.set_step_sizes(&queue, 0, &[LOWER_STEP_SIZE; 2])?;
        }
        let mut recorded = None;
        if frame < frames - frames / 4 {
            if frame % FRAMES_PER_PROBE == 0 && reading.is_none() {
                engine.encode_probe(&mut encoder)?;
                recorded = Some(engine.encode_probe_stats(&device, &mut encoder)?);
            }
            engine.encode_steps(&mut encoder, STEPS_PER_FRAME)?;
        }
        painter.encode(&mut encoder);
        submitted.push_back(queue.submit([encoder.finish()]));

        // A readback is requested after the submission that fills it, and polled once a frame.
        if let Some(readback) = recorded {
            reading = Some(Box::pin(readback.resolve()));
        }
        device.poll(wgpu::PollType::Poll)?;
        let mut context = Context::from_waker(Waker::noop());
        if let Some(future) = &mut reading
            && let Poll::Ready(stats) = future.as_mut().poll(&mut context)
        {
            print!(
                "frame {frame:4} {:7.2} ms   ",
                frame_time.as_secs_f64() * 1e3
            );
            stats?.iter().for_each(report);
            reading = None;
        }
        // The host stays at most two frames ahead. In an application with a window the swapchain does this.
        if submitted.len() > 2 {
            device.poll(wgpu::PollType::Wait {
                submission_index: submitted.pop_front(),
                timeout: None,
            })?;
        }
    }
    let mut encoder = device.create_command_encoder(&Default::default());
    let progress = engine.encode_progress(&device, &mut encoder);
    queue.submit([encoder.finish()]);
    let updates = u64::from(progress.wait()?[0].updates);
    let current = lengths.place_of(updates);
    let (task, step, steps) = (current.task, updates - current.begin, current.length);
    println!("stopped in task {task} after {step} of its {steps} steps");
    Ok(())
}

fn report(stats: &Stats) {
    match stats {
        Err(diverged) => println!("{diverged}"),
        Ok(stats) => println!(
            "task {}   loss {:.3}   sharpness {:.2}   step size {}",
            stats.task,
            stats.loss,
            stats
                .network
                .sharpness
                .map_or(f64::NAN, |found| found.eigenvalue),
            stats.layers[0].step_size as f32,
        ),
    }
}

/// A small network on random labels of noise.
fn training() -> Result<TrainingSpec, Error> {
    let bytes: Vec<u8> = (0..256 * SIDE * SIDE)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let images = ImageSet::new(&bytes, (SIDE * SIDE) as usize, 0.5, 0.3)?;
    Ok(TrainingSpec {
        network: Network::mlp(&[SIDE * SIDE, UNITS, 10], Activation::Relu)?,
        batch: 32,
        replicas: vec![ReplicaSpec {
            step_size: STEP_SIZE,
            ..ReplicaSpec::default()
        }],
        stream: Some(TaskStream::random_labels(images, 64, 40)),
        probe: Some(ProbeSpec {
            iterations: 10,
            ..ProbeSpec::default()
        }),
    })
}

async fn open(needs: &Requirements) -> Result<(wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let options = wgpu::RequestAdapterOptions::default();
    let Ok(adapter) = instance.request_adapter(&options).await else {
        bail!("no graphics adapter found");
    };
    println!("on {}", adapter.get_info().name);
    needs.check(&adapter.limits())?;
    let descriptor = wgpu::DeviceDescriptor {
        required_limits: needs.limits.clone(),
        required_features: needs.features,
        ..Default::default()
    };
    Ok(adapter.request_device(&descriptor).await?)
}

/// Records the host's own work: the picture.
struct Painter {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
}

impl Painter {
    fn new(device: &wgpu::Device, weights: &wgpu::Buffer) -> Self {
        let picture = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("picture"),
            size: u64::from(UNITS * SIDE * SIDE * 4),
            usage: wgpu::BufferUsages::STORAGE,
            mapped_at_creation: false,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("paint"),
            source: wgpu::ShaderSource::Wgsl(PAINT.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some("paint"),
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("paint"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[entry(0, weights), entry(1, &picture)],
        });
        Self {
            pipeline,
            bind_group,
        }
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(SIDE * SIDE / 64, UNITS, 1);
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer) -> wgpu::BindGroupEntry<'_> {
    wgpu::BindGroupEntry {
        binding,
        resource: buffer.as_entire_binding(),
    }
}
