//! Faults of devices and of the applications that own them. Each is an error value; nothing panics, and nothing waits for
//! ever.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::gpus;
use trainable::gpu::{self, AdapterSummary, Gpu, adapters};
use trainable::network::{Activation, Network, Parameters};
use trainable::probe::ProbeSpec;
use trainable::spec::{ImageSet, ReplicaSpec, StreamKind, TaskStream, TrainingSpec};
use trainable::{Compute, Engine, Error, Trainer, wgpu};

fn spec() -> TrainingSpec {
    TrainingSpec {
        network: Network::mlp(&[4, 3, 2], Activation::Relu).unwrap(),
        batch: 2,
        replicas: vec![ReplicaSpec {
            seed: 7,
            ..ReplicaSpec::default()
        }],
        stream: Some(TaskStream {
            kind: StreamKind::RandomLabels,
            images: ImageSet::new(&[3; 40], 4, 0.0, 1.0).unwrap(),
            subset: 6,
            epochs: 2,
            relabel_fraction: 1.0,
            switch_seed: None,
        }),
        probe: Some(ProbeSpec::default()),
    }
}

/// Opens a host's device on every adapter, and collects the errors that the device reports outside of error scopes.
fn hosts(limits: &wgpu::Limits) -> Vec<Host> {
    let open = |(summary, adapter): (AdapterSummary, wgpu::Adapter)| {
        let limits = limits.clone().or_worse_values_from(&adapter.limits());
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
        let reported = Arc::new(Mutex::new(Vec::new()));
        let report = reported.clone();
        device.on_uncaptured_error(Arc::new(move |error| {
            report.lock().unwrap().push(error.to_string());
        }));
        Host {
            name: summary.to_string(),
            device,
            queue,
            reported,
        }
    };
    let mut found = pollster::block_on(adapters(wgpu::Backends::all()));
    found.retain(|(_, adapter)| common::open(adapter).is_some());
    let backends: Vec<_> = found.iter().map(|(_, a)| a.get_info().backend).collect();
    common::expect_adapters(&backends);
    found.into_iter().map(open).collect()
}

struct Host {
    name: String,
    device: wgpu::Device,
    queue: wgpu::Queue,
    reported: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&Default::default())
    }

    fn trained(&self, engine: &mut Engine) -> Vec<Parameters> {
        let mut encoder = self.encoder();
        engine.encode_steps(&mut encoder, 3).unwrap();
        let parameters = engine.encode_parameters(&self.device, &mut encoder);
        self.queue.submit([encoder.finish()]);
        parameters.wait().unwrap()
    }
}

/// Fails unless `error` says that the device has failed.
fn assert_device(error: impl Into<Error>) {
    let error = error.into();
    let is_device = matches!(error.gpu(), Some(gpu::Error::Device { .. }));
    assert!(is_device, "{error}");
}

#[test]
fn a_trainer_whose_device_is_lost_ends_in_errors() {
    for gpu in gpus() {
        let name = gpu.adapter.to_string();
        let compute = Compute::Gpu(gpu.clone());
        let mut trainer = Trainer::new(&compute, spec()).unwrap();
        trainer.train(3).unwrap();
        gpu.device.destroy();
        assert_device(trainer.train(3).expect_err(&name));
        assert_device(trainer.progress().expect_err(&name));
        assert_device(trainer.parameters().expect_err(&name));
        assert_device(trainer.probe().expect_err(&name));
        assert_device(trainer.update(1).expect_err(&name));
        assert_device(Trainer::new(&compute, spec()).err().expect(&name));
    }
}

#[test]
fn a_run_that_would_take_days_ends_when_its_device_is_lost() {
    for gpu in gpus() {
        let name = gpu.adapter.to_string();
        let mut trainer = Trainer::new(&Compute::Gpu(gpu.clone()), spec()).unwrap();
        trainer.train(1).unwrap();
        let run = std::thread::spawn(move || trainer.train(u32::MAX));
        std::thread::sleep(Duration::from_millis(100));
        assert!(!run.is_finished(), "{name}");
        gpu.device.destroy();
        let error = run.join().expect("no panic").expect_err(&name);
        assert_device(error);
    }
}

#[test]
fn an_engine_whose_device_is_lost_ends_in_errors() {
    for host in hosts(&wgpu::Limits::default()) {
        let mut engine = Engine::new(&host.device, spec()).unwrap();
        let mut encoder = host.encoder();
        engine.encode_initialise(&mut encoder);
        host.queue.submit([encoder.finish()]);
        let mut encoder = host.encoder();
        engine.encode_steps(&mut encoder, 3).unwrap();
        let before = engine.encode_progress(&host.device, &mut encoder);
        host.device.destroy();
        host.queue.submit([encoder.finish()]);
        let error = before.wait().expect_err(&host.name);
        assert_device(error);

        let mut encoder = host.encoder();
        engine.encode_steps(&mut encoder, 3).unwrap();
        let after = engine.encode_progress(&host.device, &mut encoder);
        engine.set_step_sizes(&host.queue, 0, &[1e-3; 2]).unwrap();
        host.queue.submit([encoder.finish()]);
        let error = after.wait().expect_err(&host.name);
        assert_device(error);

        let error = Engine::new(&host.device, spec()).err().expect(&host.name);
        assert_device(error);
        // A host without an error handler would have panicked.
        let reported = host.reported.lock().unwrap();
        assert!(reported.is_empty(), "{}: {reported:?}", host.name);
    }
}

#[test]
fn a_readback_that_was_asked_for_resolves_though_the_device_is_destroyed() {
    for host in hosts(&wgpu::Limits::default()) {
        let mut engine = Engine::new(&host.device, spec()).unwrap();
        let mut encoder = host.encoder();
        engine.encode_initialise(&mut encoder);
        let submitted = engine.encode_progress(&host.device, &mut encoder);
        host.queue.submit([encoder.finish()]);
        let asked = submitted.resolve();
        host.device.destroy();
        // The copy was under way: it ends with data or with an error.
        let _ = host.device.poll(wgpu::PollType::wait_indefinitely());
        match pollster::block_on(asked) {
            Ok(progress) => assert_eq!(progress[0].updates, 0, "{}", host.name),
            Err(error) => assert_device(error),
        }
    }
}

#[test]
fn a_readback_that_was_never_submitted_is_an_error() {
    for host in hosts(&wgpu::Limits::default()) {
        let mut engine = Engine::new(&host.device, spec()).unwrap();
        let mut encoder = host.encoder();
        engine.encode_initialise(&mut encoder);
        let progress = engine.encode_progress(&host.device, &mut encoder);
        drop(encoder);
        let error = progress.wait().expect_err(&host.name);
        assert!(matches!(error, gpu::Error::NotSubmitted), "{error}");

        // The negative control: the same readback, submitted.
        let mut encoder = host.encoder();
        let progress = engine.encode_progress(&host.device, &mut encoder);
        host.queue.submit([encoder.finish()]);
        assert_eq!(progress.wait().unwrap()[0].updates, 0, "{}", host.name);
    }
}

#[test]
fn the_callers_own_mistake_stays_the_callers() {
    for host in hosts(&wgpu::Limits::default()) {
        let mut engine = Engine::new(&host.device, spec()).unwrap();
        let mut encoder = host.encoder();
        engine.encode_initialise(&mut encoder);
        host.queue.submit([encoder.finish()]);

        // The host encodes a dispatch without a pipeline between the engine's steps, so nothing of this encoder runs.
        let mut encoder = host.encoder();
        engine.encode_steps(&mut encoder, 3).unwrap();
        encoder
            .begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some("the caller's pass"),
                timestamp_writes: None,
            })
            .dispatch_workgroups(1, 1, 1);
        engine.encode_steps(&mut encoder, 3).unwrap();
        host.queue.submit([encoder.finish()]);
        let reported = std::mem::take(&mut *host.reported.lock().unwrap());
        let is_theirs = |error: &String| error.contains("pipeline must be set");
        assert!(!reported.is_empty(), "{}", host.name);
        assert!(
            reported.iter().all(is_theirs),
            "{}: {reported:?}",
            host.name
        );

        let found = host.trained(&mut engine);
        assert!(host.reported.lock().unwrap().is_empty(), "{}", host.name);
        let mut undisturbed = Engine::new(&host.device, spec()).unwrap();
        let mut encoder = host.encoder();
        undisturbed.encode_initialise(&mut encoder);
        host.queue.submit([encoder.finish()]);
        assert!(found == host.trained(&mut undisturbed), "{}", host.name);
        assert!(
            found != host.trained(&mut engine),
            "{}: it trains on",
            host.name
        );
    }
}

/// Returns an adapter with these limits that executes nothing.
fn idle_adapter(limits: wgpu::Limits) -> wgpu::Adapter {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::NOOP,
        flags: wgpu::InstanceFlags::empty(),
        backend_options: wgpu::BackendOptions {
            noop: wgpu::NoopBackendOptions {
                limits: Some(limits),
                ..wgpu::NoopBackendOptions::enabled()
            },
            ..wgpu::BackendOptions::default()
        },
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    pollster::block_on(instance.request_adapter(&Default::default())).unwrap()
}

/// Returns a device without limits that executes nothing.
fn idle_device() -> wgpu::Device {
    let adapter = idle_adapter(wgpu::Limits {
        max_buffer_size: 1 << 60,
        max_storage_buffer_binding_size: 1 << 60,
        ..wgpu::Limits::unlimited()
    });
    let descriptor = wgpu::DeviceDescriptor {
        required_limits: adapter.limits(),
        ..wgpu::DeviceDescriptor::default()
    };
    pollster::block_on(adapter.request_device(&descriptor))
        .unwrap()
        .0
}

/// 2^11 samples of 2^20 inputs: a buffer of 8 GiB in each replica.
fn large(replicas: usize) -> TrainingSpec {
    TrainingSpec {
        network: Network::mlp(&[1 << 20, 2], Activation::Relu).unwrap(),
        batch: 1 << 11,
        replicas: vec![ReplicaSpec::default(); replicas],
        stream: None,
        probe: None,
    }
}

/// The test runs once more in a process that may map no more than 4 GB.
#[cfg(target_os = "linux")]
#[test]
fn memory_that_runs_out_is_an_error_that_names_the_buffer() {
    const NAME: &str = "memory_that_runs_out_is_an_error_that_names_the_buffer";
    const IS_LIMITED: &str = "TRAINABLE_TEST_IS_LIMITED";
    if std::env::var_os(IS_LIMITED).is_none() {
        let output = std::process::Command::new("sh")
            .args(["-c", "ulimit -v 4000000 && exec \"$0\" --exact \"$1\""])
            .args([std::env::current_exe().unwrap().as_os_str(), NAME.as_ref()])
            .env(IS_LIMITED, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}"
        );
        return;
    }
    let device = idle_device();
    Engine::new(&device, spec()).unwrap();
    let error = Engine::new(&device, large(1)).err().expect("no memory");
    let is_memory = matches!(error.gpu(), Some(gpu::Error::OutOfMemory { .. }));
    assert!(is_memory, "{error}");
    let wanted = "the device has no memory for activations 0: 8589934592 bytes";
    assert_eq!(error.to_string(), wanted);
}

/// Kernels number the elements of a buffer, those of all replicas, in u32.
#[test]
fn more_elements_than_kernels_can_number_are_refused_on_any_device() {
    let error = Engine::new(&idle_device(), large(2)).err();
    let wanted = "the device's maxStorageBufferBindingSize is too small: 17179869184 required for the activations 0 of 2 replicas, 17179869180 available; 1 replicas would fit";
    assert_eq!(error.expect("too many").to_string(), wanted);
}

#[test]
fn a_replica_that_kernels_cannot_count_is_refused() {
    let refusal = |widths: &[u32], probe: Option<ProbeSpec>| {
        let absurd = TrainingSpec {
            network: Network::mlp(widths, Activation::Relu).unwrap(),
            batch: 1 << 24,
            replicas: vec![ReplicaSpec::default()],
            stream: None,
            probe,
        };
        let trainer = Trainer::new(&Compute::Cpu, absurd);
        trainer.err().expect("too large").to_string()
    };
    let wanted = |found: u64| {
        format!(
            "batch and network: wanted fewer than 2^32 elements of one replica in every value, found {found}"
        )
    };
    assert_eq!(refusal(&[1 << 20, 2], None), wanted(1 << 44));
    // Two blocks and the network have a tangent each.
    let probe = Some(ProbeSpec::default());
    assert_eq!(refusal(&[2, 256, 2], probe), wanted(3 << 32));
}

#[test]
fn a_device_without_compute_is_refused_by_the_limit_that_it_lacks() {
    for host in hosts(&wgpu::Limits::downlevel_webgl2_defaults()) {
        let error = Engine::new(&host.device, spec()).err().expect(&host.name);
        let Some(gpu::Error::Limit { available, .. }) = error.gpu() else {
            panic!("{}: {error}", host.name);
        };
        assert_eq!(*available, 0, "{}: {error}", host.name);
    }
}

#[test]
fn no_adapter_is_an_empty_list() {
    assert!(pollster::block_on(adapters(wgpu::Backends::empty())).is_empty());
}

#[test]
fn an_adapter_that_gives_no_device_says_why() {
    let adapter = idle_adapter(wgpu::Limits::default());
    // Experimental features need a token, which is not given.
    let unstable = wgpu::Features::all_experimental_mask();
    let error = pollster::block_on(Gpu::open_with(&adapter, unstable)).unwrap_err();
    assert!(matches!(error, gpu::Error::NoDevice { .. }), "{error}");
    let chain = format!("{:#}", anyhow::Error::new(error));
    let (name, reason) = chain.split_once(" gave no device: ").unwrap();
    assert!(name.starts_with("the adapter "), "{chain}");
    assert!(reason.contains("xperimental"), "{chain}");
}

/// It takes all work and copies its buffers, which stay zero.
#[test]
fn a_device_that_does_not_compute_is_refused() {
    let adapter = idle_adapter(wgpu::Limits::default());
    let gpu = pollster::block_on(Gpu::open(&adapter)).unwrap();
    let error = pollster::block_on(gpu.verify()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, gpu::Error::WrongResults { .. }), "{text}");
    let wanted = format!("this device gives wrong results: {}; ", gpu.adapter);
    assert!(text.starts_with(&wanted), "{text}");
}

#[test]
fn a_device_that_computes_is_verified() {
    for gpu in common::gpus() {
        pollster::block_on(gpu.verify()).unwrap();
    }
}

/// All replicas share the images. A small adapter has room for the images and for few replicas.
#[cfg(feature = "report")]
#[test]
fn more_replicas_than_fit_train_in_turn() {
    use trainable::experiment::presets::{Preset, Scale};
    use trainable::experiment::{Event, run};
    let adapter = idle_adapter(wgpu::Limits {
        max_buffer_size: 1 << 18,
        max_storage_buffer_binding_size: 1 << 18,
        ..wgpu::Limits::default()
    });
    let compute = Compute::Gpu(Arc::new(pollster::block_on(Gpu::open(&adapter)).unwrap()));
    let experiment = Preset::Smoke.experiment(Scale::Small);
    let images = ImageSet::new(&[0; 784 * 256], 784, 0.5, 0.3).unwrap();
    let (mut split, mut steps) = (Vec::new(), 0);
    run(&experiment, &compute, &images, |event| match event {
        Event::Split { replicas, fit } => split.push((replicas, fit)),
        Event::Steps(more) => steps += more,
        _ => {}
    })
    .unwrap();
    let [(4, fit)] = split[..] else {
        panic!("{split:?}");
    };
    assert!((1..4).contains(&fit), "{fit}");
    assert_eq!(steps, experiment.total_steps());
}
