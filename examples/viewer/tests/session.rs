//! The session without a window, on every adapter: it trains what the library trains, at any pace.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trainable::gpu::{Gpu, adapters};
use trainable::network::Parameters;
use trainable::scheduler::{Control, Observation, Scheduler, Statistics};
use trainable::spec::ImageSet;
use trainable::{Compute, ReplicaProgress, Trainer, wgpu};
use trainable_viewer::controller::Controller;
use trainable_viewer::history::LayerPoint;
use trainable_viewer::session::Session;
use trainable_viewer::settings::Settings;

/// The longest wait, far beyond what a test takes on a busy machine without a GPU.
const PATIENCE: Duration = Duration::from_secs(120);
/// Adam's epsilon, as replicas have it by default.
const EPSILON: f32 = 1e-8;
/// The steps of two whole tasks, with seven probes.
const STEPS: u32 = 39;

/// Returns settings with tasks of 12 steps and a probe after every 5. The step size is large enough for controllers to act.
fn settings(controller: Controller) -> Settings {
    Settings {
        hidden: 12,
        controller,
        step_size: 2e-2,
        replicas: 2,
        batch: 8,
        images: 24,
        epochs: 4,
        interval: 5,
        ..Settings::default()
    }
}

fn images() -> ImageSet {
    let byte = |i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8;
    let bytes: Vec<u8> = (0..40 * 16).map(byte).collect();
    ImageSet::new(&bytes, 16, 0.5, 0.3).unwrap()
}

/// An adapter with a device as the library opens it, and one with timestamps where the adapter has them, because the session
/// then paces itself by them.
struct Adapter {
    name: String,
    compute: Compute,
    devices: [(wgpu::Device, wgpu::Queue); 2],
}

fn each_adapter() -> Vec<Adapter> {
    let found = pollster::block_on(adapters(wgpu::Backends::all()));
    assert!(
        !found.is_empty() || std::env::var("TRAINABLE_REQUIRE_GPU").is_err(),
        "no adapter"
    );
    let open = |(summary, adapter): &(_, wgpu::Adapter)| {
        let gpu = pollster::block_on(Gpu::open(adapter)).unwrap();
        let with_timestamps = wgpu::DeviceDescriptor {
            required_features: wgpu::Features::TIMESTAMP_QUERY & adapter.features(),
            required_limits: wgpu::Limits::default().or_worse_values_from(&adapter.limits()),
            ..Default::default()
        };
        let timed = pollster::block_on(adapter.request_device(&with_timestamps)).unwrap();
        let untimed = (gpu.device.clone(), gpu.queue.clone());
        Adapter {
            name: format!("{summary}"),
            compute: Compute::Gpu(Arc::new(gpu)),
            devices: [untimed, timed],
        }
    };
    found.iter().map(open).collect()
}

/// Runs frames until `is_done`.
fn run(session: &mut Session, is_done: impl Fn(&Session) -> bool) {
    let begun = Instant::now();
    while !is_done(session) {
        session.frame().unwrap();
        assert!(begun.elapsed() < PATIENCE, "stuck at {}", session.steps());
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Trains `steps` more steps and pauses.
fn train(session: &mut Session, steps: u32) {
    session.pause_after(steps);
    run(session, Session::is_paused);
}

fn first_layer(session: &Session, replica: usize) -> Vec<LayerPoint> {
    let layers = &session.history().replicas()[replica].layers;
    layers[0].iter().copied().collect()
}

fn parameters(session: &Session, (device, queue): &(wgpu::Device, wgpu::Queue)) -> Vec<Parameters> {
    let mut encoder = device.create_command_encoder(&Default::default());
    let readback = session.engine().encode_parameters(device, &mut encoder);
    queue.submit([encoder.finish()]);
    readback.wait().unwrap()
}

/// The results of the same settings in the library's own loop, which waits after every call.
struct Wanted {
    parameters: Vec<Parameters>,
    /// The step size and effective step of the first layer: `[replica][probe]`.
    steps: Vec<Vec<(f64, f64)>>,
    progress: Vec<ReplicaProgress>,
}

fn wanted(compute: &Compute, settings: &Settings) -> Wanted {
    let spec = settings.training_spec(&images()).unwrap();
    let control = match settings.controller.control() {
        Some(bound) => Control::Bound(bound),
        None => Control::Constant,
    };
    let scheduler = || Scheduler::new(control.clone(), settings.step_size.into(), 3, 0).unwrap();
    let mut schedulers = [scheduler(), scheduler()];
    let mut trainer = Trainer::new(compute, spec).unwrap();
    let mut steps = vec![Vec::new(); 2];
    for step in 1..=STEPS {
        trainer.train(1).unwrap();
        if step % settings.interval > 0 {
            continue;
        }
        for (replica, stats) in trainer.probe().unwrap().into_iter().enumerate() {
            let stats = stats.unwrap();
            let observation = Observation {
                task: stats.task,
                update: stats.update,
                progress: f64::from(step % 12) / 12.0,
                batch: settings.batch,
                epsilon: EPSILON.into(),
                layers: stats.layers.iter().map(Statistics::from).collect(),
                network: Statistics::from(&stats.network),
            };
            let decision = schedulers[replica].observe(&observation).unwrap();
            let step_sizes = decision.device_step_sizes();
            trainer.set_step_sizes(replica, &step_sizes).unwrap();
            let first = &stats.layers[0];
            steps[replica].push((first.step_size, first.effective_step.unwrap()));
        }
    }
    Wanted {
        parameters: trainer.parameters().unwrap(),
        steps,
        progress: trainer.progress().unwrap(),
    }
}

#[test]
fn it_trains_as_the_library_does() {
    for adapter in each_adapter() {
        let mut without_controller = None;
        for controller in [Controller::Off, Controller::PerLayer, Controller::Global] {
            let name = format!("{}, {}", adapter.name, controller.name());
            let wanted = wanted(&adapter.compute, &settings(controller));
            for device in &adapter.devices {
                let mut session =
                    Session::new(&device.0, &device.1, &images(), settings(controller)).unwrap();
                train(&mut session, STEPS);
                assert_eq!(session.steps(), STEPS, "{name}");
                assert!(parameters(&session, device) == wanted.parameters, "{name}");
                for (replica, own) in session.history().replicas().iter().enumerate() {
                    let points = first_layer(&session, replica);
                    let steps = points.iter().map(|point| {
                        let bounds = point.bounds.expect("finite statistics");
                        (point.step_size, bounds.effective_step)
                    });
                    assert_eq!(steps.collect::<Vec<_>>(), wanted.steps[replica], "{name}");
                    let tasks: Vec<_> = points.iter().map(|point| point.tasks).collect();
                    let steps = (1..=7).map(|probe| 5 * probe);
                    let probed =
                        steps.map(|step| f64::from(step / 12) + f64::from(step % 12) / 12.0);
                    assert_eq!(tasks, probed.collect::<Vec<_>>(), "{name}");
                    // The end of the third task has not been read back.
                    let scores = &wanted.progress[replica].finished;
                    assert_eq!((own.scores.len(), scores.len()), (2, 3), "{name}");
                    assert_eq!(own.scores, scores[..2], "{name}");
                }
            }
            // The negative control: controllers change the result, so the comparison is not empty.
            let plain = without_controller.get_or_insert_with(|| wanted.parameters.clone());
            assert_eq!(
                *plain == wanted.parameters,
                controller == Controller::Off,
                "{name}"
            );
        }
    }
}

#[test]
fn a_pause_is_one_and_a_single_step_is_single() {
    for Adapter { name, devices, .. } in each_adapter() {
        let device = &devices[1];
        let settings = settings(Controller::Off);
        let mut session = Session::new(&device.0, &device.1, &images(), settings).unwrap();
        session.pause();
        let fresh = parameters(&session, device);
        for _ in 0..5 {
            session.frame().unwrap();
        }
        assert_eq!(session.steps(), 0, "{name}");
        assert!(parameters(&session, device) == fresh, "{name}");
        train(&mut session, 1);
        assert_eq!(session.steps(), 1, "{name}");
        assert!(parameters(&session, device) != fresh, "{name}");
        session.resume();
        run(&mut session, |session| session.steps() > 20);
    }
}

#[test]
fn step_size_and_controller_change_while_it_trains() {
    for Adapter { name, devices, .. } in each_adapter() {
        let device = &devices[1];
        let settings = settings(Controller::Off);
        let mut session = Session::new(&device.0, &device.1, &images(), settings).unwrap();
        train(&mut session, 6);
        session.set_step_size(4e-2).unwrap();
        train(&mut session, 5);
        session.set_controller(Controller::PerLayer).unwrap();
        train(&mut session, 20);
        let points = first_layer(&session, 1);
        let step_sizes: Vec<_> = points.iter().map(|point| point.step_size).collect();
        let (first, then) = (f64::from(2e-2_f32), f64::from(4e-2_f32));
        assert_eq!(step_sizes[..3], [first, then, then], "{name}");
        assert_eq!(step_sizes.len(), 6, "{name}");
        assert_ne!(
            step_sizes[3..],
            [then; 3],
            "{name}: the controller did nothing"
        );
        assert!(session.set_step_size(f32::NAN).is_err(), "{name}");
        assert!(session.set_step_size(-1.0).is_err(), "{name}");
        assert!(session.settings().step_size == 4e-2, "{name}");
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused = |settings: Settings| settings.training_spec(&images()).unwrap_err().to_string();
    let usual = settings(Controller::Off);
    let too_many = Settings {
        images: 41,
        ..usual.clone()
    };
    assert_eq!(
        refused(too_many),
        "images per task: wanted 8 (one batch) to 40 (the data set), found 41"
    );
    let negative = Settings { l2: -1.0, ..usual };
    assert_eq!(refused(negative), "l2: wanted 0 or more, finite, found -1");
}

#[test]
fn a_network_that_diverges_is_reported_and_training_goes_on() {
    for Adapter { name, devices, .. } in each_adapter() {
        let device = &devices[1];
        let settings = Settings {
            step_size: 1e30,
            ..settings(Controller::Off)
        };
        let mut session = Session::new(&device.0, &device.1, &images(), settings).unwrap();
        train(&mut session, 20);
        for replica in session.history().replicas() {
            let halted = replica.halted.expect("such steps diverge");
            assert_eq!(halted.task, 0, "{name}");
        }
        assert_eq!(session.steps(), 20, "{name}");
    }
}
