//! The engine as a guest: on a device that somebody else made, in an encoder where somebody else's
//! work stands before and behind ours, in a single submission.

mod common;

use std::task::Context;

use futures_channel::oneshot;
use trainable::network::{Activation, Network};
use trainable::probe::{NotFinite, ProbeSpec, ProbeStats};
use trainable::spec::{ReplicaSpec, TrainingSpec};
use trainable::{Compute, Engine, Error, Trainer, wgpu};

const DOUBLE: &str = "
@group(0) @binding(0) var<storage, read_write> values: array<u32>;
@compute @workgroup_size(1)
fn main() { values[0] *= 2u; }
";

fn spec() -> TrainingSpec {
    TrainingSpec {
        network: Network::new(&[13, 9, 3], Activation::Relu).unwrap(),
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

/// A host application's device: WebGPU's default limits (or less), no features, its own instance.
fn foreign_devices() -> Vec<(String, wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let open = |adapter: wgpu::Adapter| {
        let limits = wgpu::Limits::default().or_worse_values_from(&adapter.limits());
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        (adapter.get_info().name, device, queue)
    };
    adapters.into_iter().map(open).collect()
}

#[test]
fn our_steps_are_part_of_somebody_elses_submission() {
    for (name, device, queue) in foreign_devices() {
        let host = HostWork::new(&device);
        let mut engine = Engine::new(&device, spec()).unwrap();
        let (inputs, labels) = (common::noise(1, 5 * 13), [0, 1, 2, 0, 1]);
        let mut encoder = device.create_command_encoder(&Default::default());
        host.encode(&mut encoder);
        engine.encode_initialise(&mut encoder);
        for replica in 0..2 {
            engine
                .write_batch(&queue, replica, &inputs, &labels)
                .unwrap();
        }
        engine.set_step_sizes(&queue, 1, &[1e-2, 1e-3]).unwrap();
        host.encode(&mut encoder);
        engine.encode_updates(&mut encoder, 2).unwrap();
        engine.encode_probe(&mut encoder).unwrap();
        let probe = engine.encode_probe_stats(&device, &mut encoder).unwrap();
        engine.encode_updates(&mut encoder, 1).unwrap();
        host.encode(&mut encoder);
        let progress = engine.encode_progress(&device, &mut encoder);
        let parameters = engine.encode_parameters(&device, &mut encoder);
        queue.submit([encoder.finish()]);

        let progress = progress.wait(&device).unwrap();
        let probe = probe.wait(&device).unwrap();
        let parameters = parameters.wait(&device).unwrap();
        assert_eq!(
            host.value(&device, &queue),
            8,
            "{name}: the host's own work was disturbed"
        );

        let mut trainer = Trainer::new(&Compute::Cpu, spec()).unwrap();
        for replica in 0..2 {
            trainer.write_batch(replica, &inputs, &labels).unwrap();
        }
        trainer.set_step_sizes(1, &[1e-2, 1e-3]).unwrap();
        trainer.update(2).unwrap();
        let probe_wanted = trainer.probe().unwrap();
        trainer.update(1).unwrap();
        let tolerance = common::Tolerance {
            atol: 1e-5,
            rtol: 1e-5,
        };
        for (replica, wanted) in trainer.parameters().unwrap().iter().enumerate() {
            assert_eq!(progress[replica].updates, 3, "{name}");
            for (found, wanted) in parameters[replica].iter().zip(wanted) {
                let double = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
                common::compare(double(&found.weight), double(&wanted.weight), tolerance)
                    .unwrap_or_else(|worst| panic!("{name}, replica {replica}: {worst}"));
            }
        }
        for (found, wanted) in probe.into_iter().zip(probe_wanted) {
            let numbers = |stats: Result<ProbeStats, NotFinite>| {
                let stats = stats.expect("finite");
                let layers = stats.layers.iter().chain([&stats.network]);
                layers
                    .flat_map(|layer| {
                        let eigenvalue = layer.sharpness.expect("finite").eigenvalue;
                        let step = layer.effective_step.expect("updated");
                        [layer.grad_norm_sq, layer.grad_variance, step, eigenvalue]
                    })
                    .collect::<Vec<_>>()
            };
            let tolerance = common::Tolerance {
                atol: 0.0,
                rtol: 1e-4,
            };
            common::compare(numbers(found), numbers(wanted), tolerance)
                .unwrap_or_else(|worst| panic!("{name}, probe: {worst}"));
        }
        // The negative control: the step sizes of replica 1 were really used.
        assert!(parameters[0] != parameters[1], "{name}");
    }
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
            Err(Error::NoParameters)
        ));
        engine.encode_initialise(&mut encoder);
        assert!(matches!(
            engine.encode_steps(&mut encoder, 1),
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
            network: Network::new(&[1 << 15, 1 << 12, 2], Activation::Relu).unwrap(),
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

/// The host's kernel: doubles a number.
struct HostWork {
    pipeline: wgpu::ComputePipeline,
    bind_group: wgpu::BindGroup,
    buffer: wgpu::Buffer,
}

impl HostWork {
    fn new(device: &wgpu::Device) -> Self {
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            size: 4,
            usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: true,
        });
        buffer
            .get_mapped_range_mut(..)
            .unwrap()
            .copy_from_slice(&1_u32.to_le_bytes());
        buffer.unmap();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(DOUBLE.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: Some("main"),
            compilation_options: Default::default(),
            cache: None,
        });
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: buffer.as_entire_binding(),
            }],
        });
        Self {
            pipeline,
            bind_group,
            buffer,
        }
    }

    fn encode(&self, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.bind_group, &[]);
        pass.dispatch_workgroups(1, 1, 1);
    }

    fn value(&self, device: &wgpu::Device, queue: &wgpu::Queue) -> u32 {
        common::read_buffer(device, queue, &self.buffer)[0]
    }
}
