//! The engine as a guest: on a device that the host made, and in the host's command encoder, with the host's work before and
//! after it in one submission.

mod common;
#[path = "embedding/host_pass.rs"]
mod host_pass;
#[path = "embedding/limits.rs"]
mod limits;

use std::task::Context;

use futures_channel::oneshot;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Engine, Error, Requirements, wgpu};

const DOUBLE: &str = "
@group(0) @binding(0) var<storage, read_write> values: array<u32>;
@compute @workgroup_size(1)
fn main() { values[0] *= 2u; }
";

fn spec() -> TrainingSpec {
    TrainingSpec {
        network: Network::mlp(&[13, 9, 3], Activation::Relu).unwrap(),
        batch: 5,
        replicas: (1..3)
            .map(|seed| ReplicaSpec {
                seed,
                ..ReplicaSpec::default()
            })
            .collect(),
        stream: None,
        probe: Some(ProbeSpec {
            iterations: 4,
            tolerance: 0.0,
            ..ProbeSpec::default()
        }),
    }
}

/// The same specification with a stream: images of 13 pixels, and labels that change after 6 steps.
fn stream_spec() -> TrainingSpec {
    let pixels: Vec<u8> = (0..20 * 13).map(|i| (i * 89 % 256) as u8).collect();
    TrainingSpec {
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&pixels, 13, 0.5, 0.3).unwrap(),
            subset: 17,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        ..spec()
    }
}

type Opened = (String, wgpu::Device, wgpu::Queue);

/// Returns the adapters of an instance with these flags that open.
fn adapters(flags: wgpu::InstanceFlags) -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        flags,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut found = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    found.retain(|adapter| common::open(adapter).is_some());
    if flags == wgpu::InstanceFlags::default() {
        let backends: Vec<_> = found.iter().map(|a| a.get_info().backend).collect();
        common::expect_adapters(&backends);
    }
    found
}

fn open(adapter: &wgpu::Adapter, limits: wgpu::Limits, features: wgpu::Features) -> Opened {
    let descriptor = wgpu::DeviceDescriptor {
        required_limits: limits,
        required_features: features,
        ..wgpu::DeviceDescriptor::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    (adapter.get_info().name, device, queue)
}

/// Opens devices as a host application would: an instance of its own, no features, and WebGPU's default limits or lower ones
/// where the adapter has less. Each adapter gives one device; each one that can be limited to the WebGPU standard gives
/// another.
fn foreign_devices() -> Vec<Opened> {
    let strict = wgpu::InstanceFlags::default() | wgpu::InstanceFlags::STRICT_WEBGPU_COMPLIANCE;
    let (all, strict) = (adapters(wgpu::InstanceFlags::default()), adapters(strict));
    eprintln!("{} adapters, {} strict ones", all.len(), strict.len());
    if std::env::var("TRAINABLE_REQUIRE_GPU").is_ok() {
        assert!(!strict.is_empty(), "no adapter keeps to the standard");
    }
    let open = |adapter: &wgpu::Adapter| {
        let limits = wgpu::Limits::default().or_worse_values_from(&adapter.limits());
        open(adapter, limits, wgpu::Features::empty())
    };
    all.iter().chain(&strict).map(open).collect()
}

#[test]
fn reading_does_not_block_until_the_host_polls() {
    for (name, device, queue) in foreign_devices() {
        let mut engine = Engine::new(&device, spec()).unwrap();
        let mut encoder = device.create_command_encoder(&Default::default());
        engine.encode_initialise(&mut encoder);
        let readback = engine.encode_progress(&device, &mut encoder);
        queue.submit([encoder.finish()]);
        let (sender, mut receiver) = oneshot::channel();
        let future = readback.resolve();
        let mut task = Box::pin(async move { drop(sender.send(future.await)) });
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(task.as_mut().poll(&mut context).is_pending(), "{name}");
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        assert!(task.as_mut().poll(&mut context).is_ready(), "{name}");
        let progress = receiver.try_recv().unwrap().expect("sent").unwrap();
        assert_eq!(progress.len(), 2, "{name}");
    }
}

#[test]
fn misuse_is_an_error_that_says_what_was_wanted() {
    for (_, device, queue) in foreign_devices() {
        let mut engine = Engine::new(&device, spec()).unwrap();
        let mut encoder = device.create_command_encoder(&Default::default());
        assert!(matches!(
            engine.encode_updates(&mut encoder, 1),
            Err(Error::NoParameters { replica: 0 })
        ));
        engine.encode_initialise(&mut encoder);
        assert!(matches!(
            engine.encode_steps(&mut encoder, 1),
            Err(Error::NoTaskStream)
        ));
        assert!(matches!(
            engine.encode_step_after_probe(&mut encoder),
            Err(Error::NoTaskStream)
        ));
        let message = |result: Result<(), Error>| result.unwrap_err().to_string();
        let wrong = message(engine.set_step_sizes(&queue, 0, &[1e-3]));
        assert_eq!(wrong, "step sizes: wanted 2 elements, found 1");
        let wrong = message(engine.set_step_sizes(&queue, 2, &[1e-3, 1e-3]));
        assert_eq!(wrong, "replica: wanted below 2, found 2");
        let wrong = message(engine.set_step_sizes(&queue, 0, &[1e-3, f32::NAN]));
        assert_eq!(wrong, "step size: wanted 0 or more, finite, found NaN");
        let wrong = message(engine.write_batch(&queue, 0, &[0.0; 65], &[0, 1, 2, 3, 0]));
        assert_eq!(wrong, "label: wanted below 3, found 3");
        let wide = TrainingSpec {
            network: Network::mlp(&[1 << 15, 1 << 12, 2], Activation::Relu).unwrap(),
            ..spec()
        };
        let limit = device.limits().max_storage_buffer_binding_size;
        if limit < 1 << 29 {
            let wrong = Engine::new(&device, wide)
                .err()
                .expect("beyond the limit")
                .to_string();
            assert!(wrong.contains("maxStorageBufferBindingSize"), "{wrong}");
            assert!(wrong.contains(&limit.to_string()), "{wrong}");
        }
    }
}

#[test]
fn exactly_the_required_limits_are_enough() {
    let small = Requirements::new(&stream_spec()).unwrap();
    assert_eq!(small.limits, wgpu::Limits::default());
    assert_eq!(small.features, wgpu::Features::empty());
    // A data set just above the 128 MiB that WebGPU promises for a binding.
    let bytes = (128 << 20) + 4;
    let large = TrainingSpec {
        network: Network::mlp(&[4, 3, 2], Activation::Relu).unwrap(),
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&vec![9; bytes], 4, 0.0, 1.0).unwrap(),
            ..stream_spec().stream.unwrap()
        }),
        ..spec()
    };
    let wanted = Requirements::new(&large).unwrap();
    let limits = wgpu::Limits {
        max_storage_buffer_binding_size: bytes as u64,
        ..wgpu::Limits::default()
    };
    assert_eq!(wanted.limits, limits);
    for adapter in adapters(wgpu::InstanceFlags::default()) {
        let name = adapter.get_info().name;
        for (spec, needs) in [(stream_spec(), &small), (large.clone(), &wanted)] {
            let Err(error) = needs.check(&adapter.limits()) else {
                trains(&open(&adapter, needs.limits.clone(), needs.features), spec);
                continue;
            };
            eprintln!("{name} offers no more than the defaults: {error}");
            assert!(needs.limits != wgpu::Limits::default(), "{name}: {error}");
            let defaults = wgpu::Limits::default().or_worse_values_from(&adapter.limits());
            let (_, device, _) = open(&adapter, defaults, needs.features);
            let refused = Engine::new(&device, spec).err().expect(&name);
            assert!(
                refused.to_string().contains("required for the images"),
                "{refused}"
            );
        }
    }
}

/// Trains a few steps, and compares the sizes of all buffers with the bytes that were predicted.
fn trains((name, device, queue): &Opened, spec: TrainingSpec) {
    let program = Program::new(&spec).unwrap();
    let bytes = Requirements::new(&spec).unwrap().bytes;
    let mut engine = Engine::new(device, spec).unwrap();
    let sizes = program.buffer_ids().map(|id| engine.buffer(id).size());
    let uniforms = bytes - sizes.sum::<u64>();
    // At least two plans of at least nine dispatches, 256 bytes each.
    assert!(
        (4_608..200_000).contains(&uniforms),
        "{name}: {uniforms} bytes of uniforms"
    );
    let mut encoder = device.create_command_encoder(&Default::default());
    engine.encode_initialise(&mut encoder);
    engine.encode_steps(&mut encoder, 3).unwrap();
    let progress = engine.encode_progress(device, &mut encoder);
    queue.submit([encoder.finish()]);
    for replica in progress.wait().unwrap() {
        assert_eq!(replica.updates, 3, "{name}");
        assert!(
            replica.batch_loss > 0.0 && replica.batch_loss.is_finite(),
            "{name}"
        );
    }
}
