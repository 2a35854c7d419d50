//! Work in passes and submissions of a host, against what a trainer does.

use crate::{DOUBLE, adapters, foreign_devices, open, spec, stream_spec};
use trainable::probe::{NotFinite, ProbeStats};
use trainable::{Compute, Engine, Requirements, Trainer, wgpu};

#[test]
fn our_steps_are_part_of_somebody_elses_submission() {
    for (name, device, queue) in foreign_devices() {
        let host = HostWork::new(&device);
        let mut engine = Engine::new(&device, spec()).unwrap();
        let (inputs, labels) = (crate::common::noise(1, 5 * 13), [0, 1, 2, 0, 1]);
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
        let tolerance = crate::common::Tolerance {
            atol: 1e-5,
            rtol: 1e-5,
        };
        for (replica, wanted) in trainer.parameters().unwrap().iter().enumerate() {
            assert_eq!(progress[replica].updates, 3, "{name}");
            for (found, wanted) in parameters[replica].iter().zip(wanted) {
                let double = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
                crate::common::compare(double(found), double(wanted), tolerance)
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
            let tolerance = crate::common::Tolerance {
                atol: 0.0,
                rtol: 1e-4,
            };
            crate::common::compare(numbers(found), numbers(wanted), tolerance)
                .unwrap_or_else(|worst| panic!("{name}, probe: {worst}"));
        }
        // The negative control: the step sizes of replica 1 were used.
        assert!(parameters[0] != parameters[1], "{name}");
    }
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
            let words = crate::common::read_buffer(device, queue, buffer);
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
        crate::common::read_buffer(device, queue, &self.buffer)[0]
    }
}

/// The words that an engine reads back are those that a trainer returns on the same device.
#[test]
fn an_engine_reads_back_what_a_trainer_answers() {
    for gpu in crate::common::gpus() {
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
