//! What trains, what was read back, when to probe, and what is decided: all that a window shows, without the window.
//!
//! [`Session::frame`] is called once a frame. It takes in what has arrived from the device, and records and submits a
//! share of the work: some training steps, or some iterations of a probe, as many as fit a budget of device time. It
//! never waits. Training does: from a probe until its statistics have arrived and the controller has decided, so that
//! what is trained depends on the settings alone, and not on how fast anything is.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use trainable::gpu::{self, Pacer, Readback};
use trainable::probe::{NotFinite, ProbeStats};
use trainable::scheduler::Observation;
use trainable::spec::ImageSet;
use trainable::{Engine, Error, ReplicaProgress, wgpu};

use crate::controller::{Controller, Steering};
use crate::history::History;
use crate::settings::Settings;
use crate::stopwatch::Stopwatch;

/// Training steps, or iterations, of a frame on a device that cannot time them.
const UNTIMED: u32 = 4;
/// Frames whose training may be unfinished before the next is recorded.
const MOST_IN_FLIGHT: u32 = 2;

/// What a probe brings.
type Found = (Vec<Result<ProbeStats, NotFinite>>, Vec<ReplicaProgress>);
/// The same on its way from the device.
type Reading = Pin<Box<dyn Future<Output = Result<Found, gpu::Error>>>>;
/// The same before it is submitted.
type Recorded = (
    Readback<Vec<Result<ProbeStats, NotFinite>>>,
    Readback<Vec<ReplicaProgress>>,
);

/// What the device does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Training steps until the next probe.
    Training { left: u32 },
    /// Iterations until the probe's end.
    Probing { left: u32 },
}

/// What the stopwatch is timing.
#[derive(Clone, Copy)]
enum Timed {
    Steps(u32),
    /// Of a probe, from one number on.
    Iterations {
        first: u32,
        iterations: u32,
    },
}

/// Replicas in training on a device that also draws.
pub struct Session {
    settings: Settings,
    device: wgpu::Device,
    queue: wgpu::Queue,
    engine: Engine,
    steering: Vec<Steering>,
    phase: Phase,
    /// Training steps that may still be recorded; any number if `None`.
    allowance: Option<u32>,
    steps: u32,
    step_pacer: Pacer,
    probe_pacer: Pacer,
    stopwatch: Option<Stopwatch>,
    timed: Option<Timed>,
    in_flight: Arc<AtomicU32>,
    reading: Option<Reading>,
    history: History,
}

impl Session {
    /// Allocates, compiles, and submits the drawing of fresh networks.
    ///
    /// # Errors
    /// Those of [`Settings::training_spec`] and [`Engine::new`].
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        images: &ImageSet,
        settings: Settings,
    ) -> Result<Self, Error> {
        let spec = settings.training_spec(images)?;
        let layers = spec.network.blocks().len();
        let history = History::new(spec.replicas.len(), layers);
        let budget = settings.budget;
        let mut engine = Engine::new(device, spec)?;
        let mut encoder = device.create_command_encoder(&Default::default());
        engine.encode_initialise(&mut encoder);
        queue.submit([encoder.finish()]);
        let mut session = Self {
            phase: Phase::Training {
                left: settings.interval,
            },
            settings,
            device: device.clone(),
            queue: queue.clone(),
            engine,
            steering: Vec::new(),
            allowance: None,
            steps: 0,
            step_pacer: Pacer::new(budget),
            probe_pacer: Pacer::new(budget),
            stopwatch: Stopwatch::new(device, queue),
            timed: None,
            in_flight: Arc::default(),
            reading: None,
            history,
        };
        session.steer()?;
        Ok(session)
    }

    /// What is trained, with what has been set since.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The engine, for those who draw what it holds.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What was read back so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Training steps recorded so far, of every replica.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Tasks done after `steps` steps, with the share of the current one.
    pub fn tasks_after(&self, steps: u32) -> f64 {
        f64::from(steps) / self.engine.spec().steps_per_task() as f64
    }

    /// Training steps that fit into a frame, as far as is known.
    pub fn steps_per_frame(&self) -> u32 {
        match self.stopwatch {
            Some(_) => self.step_pacer.steps(),
            None => UNTIMED,
        }
    }

    fn iterations_per_frame(&self) -> u32 {
        match self.stopwatch {
            Some(_) => self.probe_pacer.steps(),
            None => UNTIMED,
        }
    }

    /// Whether nothing more is recorded.
    pub fn is_paused(&self) -> bool {
        self.allowance == Some(0)
    }

    /// Stops recording; what was submitted goes on.
    pub fn pause(&mut self) {
        self.allowance = Some(0);
    }

    /// Goes on.
    pub fn resume(&mut self) {
        self.allowance = None;
    }

    /// Pauses after `steps` more training steps, and the probes that come before the last of them.
    pub fn pause_after(&mut self, steps: u32) {
        self.allowance = Some(steps);
    }

    /// Sets the step size of every layer: from the next submission on without a controller. A controller starts from it.
    ///
    /// # Errors
    /// A step size that is negative or not finite.
    pub fn set_step_size(&mut self, step_size: f32) -> Result<(), Error> {
        self.write_step_size(step_size)?;
        self.settings.step_size = step_size;
        match self.settings.controller {
            Controller::Off => Ok(()),
            _ => self.steer(),
        }
    }

    /// Lets another controller steer, from the settings' step size on and with empty windows.
    ///
    /// # Errors
    /// A step size outside the controller's limits.
    pub fn set_controller(&mut self, controller: Controller) -> Result<(), Error> {
        self.settings.controller = controller;
        self.steer()
    }

    fn steer(&mut self) -> Result<(), Error> {
        let Settings {
            controller,
            step_size,
            ..
        } = self.settings;
        let layers = self.engine.spec().network.blocks().len();
        let replicas = 0..self.engine.spec().replicas.len();
        let steering = replicas.map(|_| Steering::new(controller, step_size, layers));
        self.steering = steering.collect::<Result<_, _>>()?;
        self.write_step_size(step_size)
    }

    fn write_step_size(&self, step_size: f32) -> Result<(), Error> {
        let spec = self.engine.spec();
        let step_sizes = vec![step_size; spec.network.blocks().len()];
        let mut replicas = 0..spec.replicas.len();
        replicas.try_for_each(|r| self.engine.set_step_sizes(&self.queue, r, &step_sizes))
    }

    /// One frame's share.
    ///
    /// # Errors
    /// A device that fails.
    pub fn frame(&mut self) -> Result<(), Error> {
        // Asks what is done, and does not wait; in a browser this does nothing, and nothing is needed.
        let poll = self.device.poll(wgpu::PollType::Poll);
        poll.map_err(|error| gpu::Error::Device {
            doing: "training",
            reason: error.to_string(),
        })?;
        self.receive_time();
        self.receive_probe()?;
        let is_behind = self.in_flight.load(Ordering::Relaxed) >= MOST_IN_FLIGHT;
        if self.is_paused() || self.reading.is_some() || is_behind {
            return Ok(());
        }
        let mut encoder = self.device.create_command_encoder(&Default::default());
        let recorded = match self.phase {
            Phase::Training { left } => {
                self.encode_training(&mut encoder, left)?;
                None
            }
            Phase::Probing { left } => self.encode_probing(&mut encoder, left)?,
        };
        self.submit(encoder);
        if let Some((stats, progress)) = recorded {
            let (stats, progress) = (stats.resolve(), progress.resolve());
            self.reading = Some(Box::pin(async { Ok((stats.await?, progress.await?)) }));
        }
        Ok(())
    }

    fn submit(&mut self, encoder: wgpu::CommandEncoder) {
        self.queue.submit([encoder.finish()]);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let in_flight = self.in_flight.clone();
        self.queue.on_submitted_work_done(move || {
            in_flight.fetch_sub(1, Ordering::Relaxed);
        });
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.submitted();
        }
    }

    fn encode_training(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        left: u32,
    ) -> Result<(), Error> {
        let allowed = self.allowance.unwrap_or(u32::MAX);
        let steps = left.min(allowed).min(self.steps_per_frame());
        self.encode_timed(encoder, Timed::Steps(steps))?;
        self.allowance = self.allowance.map(|allowed| allowed - steps);
        self.steps += steps;
        self.phase = if steps < left {
            Phase::Training { left: left - steps }
        } else {
            Phase::Probing {
                left: self.probe_iterations(),
            }
        };
        Ok(())
    }

    fn encode_probing(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        left: u32,
    ) -> Result<Option<Recorded>, Error> {
        let all = self.probe_iterations();
        let is_first = left == all;
        let mut left = left;
        if is_first {
            // It does one iteration.
            self.engine.encode_probe_begin(encoder)?;
            left -= 1;
        }
        let iterations = left.min(self.iterations_per_frame());
        let first = all - left;
        if is_first {
            self.encode_timed(encoder, Timed::Iterations { first, iterations })?;
        } else {
            // Those that have converged take no time: they would mislead the pacer.
            self.engine
                .encode_probe_iterations(encoder, first..first + iterations)?;
        }
        left -= iterations;
        if left > 0 {
            self.phase = Phase::Probing { left };
            return Ok(None);
        }
        self.engine.encode_probe_end(encoder)?;
        self.phase = Phase::Training {
            left: self.settings.interval,
        };
        let stats = self.engine.encode_probe_stats(&self.device, encoder)?;
        Ok(Some((
            stats,
            self.engine.encode_progress(&self.device, encoder),
        )))
    }

    /// Records work in a pass of its own, timed unless an earlier one still is.
    fn encode_timed(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        work: Timed,
    ) -> Result<(), Error> {
        let stopwatch = self.stopwatch.as_mut().filter(|watch| watch.is_idle());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: Some("one frame's training"),
            timestamp_writes: stopwatch.as_ref().map(|watch| watch.timestamp_writes()),
        });
        match work {
            Timed::Steps(steps) => self.engine.encode_steps_in(&mut pass, steps)?,
            Timed::Iterations { first, iterations } => self
                .engine
                .encode_probe_iterations_in(&mut pass, first..first + iterations)?,
        }
        drop(pass);
        if let Some(stopwatch) = stopwatch {
            stopwatch.encode_read(encoder);
            self.timed = Some(work);
        }
        Ok(())
    }

    fn probe_iterations(&self) -> u32 {
        self.engine.spec().probe.map_or(1, |probe| probe.iterations)
    }

    fn receive_time(&mut self) {
        let elapsed = self.stopwatch.as_mut().and_then(Stopwatch::elapsed);
        match (elapsed, self.timed) {
            (Some(time), Some(Timed::Steps(steps))) => self.step_pacer.measured(steps, time),
            (Some(time), Some(Timed::Iterations { iterations, .. })) => {
                self.probe_pacer.measured(iterations, time);
            }
            _ => {}
        }
    }

    fn receive_probe(&mut self) -> Result<(), Error> {
        let mut context = Context::from_waker(Waker::noop());
        let Some(reading) = &mut self.reading else {
            return Ok(());
        };
        let Poll::Ready(found) = reading.as_mut().poll(&mut context) else {
            return Ok(());
        };
        self.reading = None;
        let (probes, progress) = found?;
        self.history.add_progress(&progress);
        for (replica, stats) in probes.iter().enumerate() {
            // A replica that is not finite has no statistics, and trains no more.
            if let Ok(stats) = stats {
                self.decide(replica, stats)?;
            }
        }
        Ok(())
    }

    fn decide(&mut self, replica: usize, stats: &ProbeStats) -> Result<(), Error> {
        let observation = Observation::new(stats, self.engine.spec(), replica)?;
        let decided = self.steering[replica].observe(&observation)?;
        if let Some(step_sizes) = &decided.step_sizes {
            self.engine
                .set_step_sizes(&self.queue, replica, step_sizes)?;
        }
        let tasks = self.tasks_after(stats.update);
        self.history
            .add_probe(replica, tasks, stats, &decided.bounds);
        Ok(())
    }
}
