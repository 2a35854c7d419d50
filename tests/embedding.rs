//! The engine as a guest: on a device that the host made, and in the host's command encoder, with the host's work before and
//! after it in one submission.

mod common;

use std::task::Context;

use futures_channel::oneshot;
use trainable::network::{Activation, Network};
use trainable::plan::Program;
use trainable::probe::{NotFinite, ProbeSpec, ProbeStats};
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Engine, Error, Requirements, Trainer, gpu, wgpu};

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

        let progress = progress.wait().unwrap();
        let probe = probe.wait().unwrap();
        let parameters = parameters.wait().unwrap();
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
                common::compare(double(found), double(wanted), tolerance)
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
        // The negative control: the step sizes of replica 1 were used.
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

/// A function that sets one limit.
type Set = fn(&mut wgpu::Limits, u32);

macro_rules! limits {
    ($($name:literal: $field:ident,)*) => {
        [$(($name, (|limits, to| limits.$field = to.into()) as Set),)*]
    };
}

#[test]
fn every_limit_that_is_too_small_is_refused_by_name() {
    let needs = Requirements::new(&stream_spec()).unwrap();
    let limits = limits! {
        "maxStorageBufferBindingSize": max_storage_buffer_binding_size,
        "maxUniformBufferBindingSize": max_uniform_buffer_binding_size,
        "maxBufferSize": max_buffer_size,
        "maxBindGroups": max_bind_groups,
        "maxBindingsPerBindGroup": max_bindings_per_bind_group,
        "maxStorageBuffersPerShaderStage": max_storage_buffers_per_shader_stage,
        "maxUniformBuffersPerShaderStage": max_uniform_buffers_per_shader_stage,
        "maxComputeWorkgroupStorageSize": max_compute_workgroup_storage_size,
        "maxComputeInvocationsPerWorkgroup": max_compute_invocations_per_workgroup,
        "maxComputeWorkgroupSizeX": max_compute_workgroup_size_x,
        "maxComputeWorkgroupSizeY": max_compute_workgroup_size_y,
        "maxComputeWorkgroupSizeZ": max_compute_workgroup_size_z,
        "maxComputeWorkgroupsPerDimension": max_compute_workgroups_per_dimension,
    };
    let refusal = |limits: &wgpu::Limits| match needs.check(limits) {
        Err(gpu::Error::Limit {
            limit,
            required,
            available,
            ..
        }) => (limit, required, available),
        other => panic!("{other:?}"),
    };
    let mut least = wgpu::Limits::default();
    for (name, set) in limits {
        let mut none = wgpu::Limits::default();
        set(&mut none, 0);
        let (limit, required, available) = refusal(&none);
        assert_eq!((limit, available), (name, 0));
        let mut short = wgpu::Limits::default();
        set(&mut short, required as u32 - 1);
        assert_eq!(refusal(&short), (name, required, required - 1));
        set(&mut least, required as u32);
    }
    needs.check(&least).unwrap();
    // The smallest distance between uniforms that any device allows; some uniforms are larger than it.
    let near = wgpu::Limits {
        min_uniform_buffer_offset_alignment: 32,
        ..wgpu::Limits::default()
    };
    // The expected limits are counted independently: optimiser_step has 8 buffers.
    assert_eq!(least.max_storage_buffers_per_shader_stage, 8);
    assert_eq!(least.max_bindings_per_bind_group, 9);
    for adapter in adapters(wgpu::InstanceFlags::default()) {
        trains(
            &open(&adapter, least.clone(), needs.features),
            stream_spec(),
        );
        if adapter.limits().min_uniform_buffer_offset_alignment <= 32 {
            let device = open(&adapter, near.clone(), needs.features);
            trains(&device, stream_spec());
        }
        let downlevel = wgpu::Limits::downlevel_defaults();
        let (name, device, _) = open(&adapter, downlevel, needs.features);
        let refused = Engine::new(&device, stream_spec())
            .err()
            .expect(&name)
            .to_string();
        let wanted = "maxStorageBuffersPerShaderStage is too small: 8 required";
        assert!(
            refused.contains(wanted) && refused.contains("4 available"),
            "{refused}"
        );
    }
}

#[test]
fn too_many_replicas_are_refused_with_how_many_fit() {
    let with = |replicas: usize| TrainingSpec {
        network: Network::mlp(&[4096, 256, 10], Activation::Relu).unwrap(),
        replicas: vec![ReplicaSpec::default(); replicas],
        probe: None,
        ..spec()
    };
    // WebGPU's default binding holds 128 MiB; one replica's parameters take more than 4 MiB.
    let limits = wgpu::Limits::default();
    let refused = |replicas| Requirements::new(&with(replicas)).unwrap().check(&limits);
    let Err(gpu::Error::Limit { fit: Some(fit), .. }) = refused(100) else {
        panic!("{:?}", refused(100));
    };
    assert!((20..32).contains(&fit), "{fit}");
    refused(fit as usize).unwrap();
    refused(fit as usize + 1).unwrap_err();
    for (name, device, _) in foreign_devices() {
        let error = Engine::new(&device, with(100)).err().expect(&name);
        let mention = format!("; {fit} replicas would fit");
        assert!(error.to_string().ends_with(&mention), "{name}: {error}");
    }
    // Where no smaller number of replicas would fit either, the error proposes none.
    let none = wgpu::Limits {
        max_bind_groups: 0,
        ..limits
    };
    let error = Requirements::new(&spec()).unwrap().check(&none);
    assert!(
        matches!(error, Err(gpu::Error::Limit { fit: None, .. })),
        "{error:?}"
    );
}

#[test]
fn a_pass_of_the_hosts_trains_to_the_same_bits() {
    for adapter in adapters(wgpu::InstanceFlags::default()) {
        let features = wgpu::Features::TIMESTAMP_QUERY & adapter.features();
        let limits = Requirements::new(&stream_spec()).unwrap().limits;
        let (name, device, queue) = open(&adapter, limits, features);
        let run = |in_passes: bool| {
            let mut engine = Engine::new(&device, stream_spec()).unwrap();
            let clock = Clock::new(&device, features);
            let mut encoder = device.create_command_encoder(&Default::default());
            engine.encode_initialise(&mut encoder);
            if in_passes {
                for _ in 0..5 {
                    let mut pass = clock.pass(&mut encoder);
                    engine.encode_steps_in(&mut pass, 1).unwrap();
                }
                let mut pass = clock.pass(&mut encoder);
                engine.encode_probe_in(&mut pass).unwrap();
                engine.encode_step_after_probe_in(&mut pass).unwrap();
                engine.encode_updates_in(&mut pass, 2).unwrap();
                engine.encode_steps_in(&mut pass, 3).unwrap();
                drop(pass);
                engine.encode_probe(&mut encoder).unwrap();
                engine.encode_step_after_probe(&mut encoder).unwrap();
                engine.encode_probe_begin(&mut encoder).unwrap();
                let mut pass = clock.pass(&mut encoder);
                engine.encode_probe_iterations_in(&mut pass, 1..3).unwrap();
                engine.encode_probe_iterations_in(&mut pass, 3..4).unwrap();
                drop(pass);
                engine.encode_probe_end(&mut encoder).unwrap();
            } else {
                engine.encode_steps(&mut encoder, 5).unwrap();
                engine.encode_probe(&mut encoder).unwrap();
                engine.encode_steps(&mut encoder, 1).unwrap();
                engine.encode_updates(&mut encoder, 2).unwrap();
                engine.encode_steps(&mut encoder, 3).unwrap();
                engine.encode_probe(&mut encoder).unwrap();
                engine.encode_steps(&mut encoder, 1).unwrap();
                engine.encode_probe(&mut encoder).unwrap();
            }
            if in_passes {
                clock.resolve(&mut encoder);
            }
            let parameters = engine.encode_parameters(&device, &mut encoder);
            let probe = engine.encode_probe_stats(&device, &mut encoder).unwrap();
            queue.submit([encoder.finish()]);
            if in_passes {
                clock.check(&device, &queue, &name);
            }
            let parameters = parameters.wait().unwrap();
            (parameters, probe.wait().unwrap())
        };
        let (found, wanted) = (run(true), run(false));
        assert!(
            found == wanted,
            "{name}: the host's passes compute something else"
        );
        let is_finite = |stats: &Result<ProbeStats, NotFinite>| stats.is_ok();
        assert!(found.1.iter().all(is_finite), "{name}");
        // The negative control: seeds differ, and so do their weights.
        assert!(found.0[0] != found.0[1], "{name}");
    }
}

/// Timestamps at the beginning and the end of a pass, where the device has timestamps.
struct Clock {
    queries: Option<(wgpu::QuerySet, wgpu::Buffer)>,
}

impl Clock {
    fn new(device: &wgpu::Device, features: wgpu::Features) -> Self {
        let queries = features.contains(wgpu::Features::TIMESTAMP_QUERY).then(|| {
            let set = device.create_query_set(&wgpu::QuerySetDescriptor {
                label: None,
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            });
            let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: 16,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            });
            (set, buffer)
        });
        Self { queries }
    }

    fn pass<'a>(&self, encoder: &'a mut wgpu::CommandEncoder) -> wgpu::ComputePass<'a> {
        encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("the host's pass"),
            timestamp_writes: self.queries.as_ref().map(|(query_set, _)| {
                wgpu::ComputePassTimestampWrites {
                    query_set,
                    beginning_of_pass_write_index: Some(0),
                    end_of_pass_write_index: Some(1),
                }
            }),
        })
    }

    fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        if let Some((set, buffer)) = &self.queries {
            encoder.resolve_query_set(set, 0..2, buffer, 0);
        }
    }

    fn check(&self, device: &wgpu::Device, queue: &wgpu::Queue, name: &str) {
        if let Some((_, buffer)) = &self.queries {
            let words = common::read_buffer(device, queue, buffer);
            let ticks = [0, 2].map(|i| u64::from(words[i]) | u64::from(words[i + 1]) << 32);
            assert!(0 < ticks[0] && ticks[0] <= ticks[1], "{name}: {ticks:?}");
        }
    }
}

/// The host's kernel, which doubles a number.
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

/// The words that an engine reads back are those that a trainer returns on the same device.
#[test]
fn an_engine_reads_back_what_a_trainer_answers() {
    for gpu in common::gpus() {
        let mut trainer = Trainer::new(&Compute::Gpu(gpu.clone()), stream_spec()).unwrap();
        trainer.train(4).unwrap();
        let probed = trainer.probe().unwrap();
        let indicators = trainer.indicators().unwrap().remove(1).unwrap();

        let mut engine = Engine::new(&gpu.device, stream_spec()).unwrap();
        let (device, mut encoder) = (
            &gpu.device,
            gpu.device.create_command_encoder(&Default::default()),
        );
        engine.encode_initialise(&mut encoder);
        engine.encode_steps(&mut encoder, 4).unwrap();
        let before = engine.encode_gradients(device, &mut encoder);
        engine.encode_probe(&mut encoder).unwrap();
        let stats = engine.encode_probe_stats(device, &mut encoder).unwrap();
        let found = engine.encode_indicators(device, &mut encoder).unwrap();
        let gradients = engine.encode_gradients(device, &mut encoder);
        let parameters = engine.encode_parameters(device, &mut encoder);
        let progress = engine.encode_progress(device, &mut encoder);
        let snapshot = engine.encode_snapshot(device, &mut encoder);
        gpu.queue.submit([encoder.finish()]);

        assert_eq!(stats.wait().unwrap(), probed, "{}", gpu.adapter);
        let found = found.wait().unwrap().remove(1).unwrap();
        assert_eq!(found, indicators, "{}", gpu.adapter);
        let gradients = gradients.wait().unwrap();
        assert_eq!(gradients, trainer.gradients().unwrap());
        // The negative control: a probe leaves gradients of another minibatch than the step before it.
        assert_ne!(gradients, before.wait().unwrap());
        assert_eq!(parameters.wait().unwrap(), trainer.parameters().unwrap());
        assert_eq!(progress.wait().unwrap(), trainer.progress().unwrap());
        assert_eq!(snapshot.wait().unwrap(), trainer.snapshot().unwrap());
    }
}
