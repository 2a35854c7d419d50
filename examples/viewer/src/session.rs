//! A session without its window: it trains, probes, reads back and lets the controller decide.
//!
//! [`Session::frame`] is called once a frame. It takes in the data that has arrived from the device, and submits a share of
//! the work: training steps, or iterations of a probe, as many as fit a budget of device time. It never waits. Training does
//! wait for a probe until its statistics have arrived and the controller has decided. What is trained therefore depends on
//! the settings alone, and not on any speed.

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

/// The training steps or iterations of a frame on a device without timestamps.
const UNTIMED: u32 = 4;
/// The number of frames whose training may be unfinished before the next is recorded.
const MOST_IN_FLIGHT: u32 = 2;

/// The result of a probe.
type Found = (Vec<Result<ProbeStats, NotFinite>>, Vec<ReplicaProgress>);
/// The result of a probe on its way from the device.
type Reading = Pin<Box<dyn Future<Output = Result<Found, gpu::Error>>>>;
/// The readback of a probe before it is submitted.
type Recorded = (
    Readback<Vec<Result<ProbeStats, NotFinite>>>,
    Readback<Vec<ReplicaProgress>>,
);

/// The next work of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Training steps, `left` of them until the next probe.
    Training { left: u32 },
    /// Iterations, `left` of them until the probe's end.
    Probing { left: u32 },
}

/// The work that the stopwatch is timing.
#[derive(Clone, Copy)]
enum Timed {
    Steps(u32),
    /// Iterations of a probe, from number `first` on.
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
    /// The number of training steps that may still be recorded; any number if `None`.
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
    /// Allocates, compiles, and submits the initialisation of fresh networks.
    ///
    /// # Errors
    /// Returns the errors of [`Settings::training_spec`] and [`Engine::new`].
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

    /// Returns the settings, with the changes since the start.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the engine, for drawing its buffers.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the data read back so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Returns the number of training steps recorded so far for every replica.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Returns the tasks done after `steps` steps, plus the share of the current one.
    pub fn tasks_after(&self, steps: u32) -> f64 {
        let lengths = self.engine.spec().task_lengths();
        f64::from(lengths.task_of(steps.into())) + lengths.share_of(steps.into())
    }

    /// Returns the number of training steps that are estimated to fit into a frame.
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

    /// Returns whether recording is paused.
    pub fn is_paused(&self) -> bool {
        self.allowance == Some(0)
    }

    /// Stops recording. Submitted work continues.
    pub fn pause(&mut self) {
        self.allowance = Some(0);
    }

    /// Continues recording.
    pub fn resume(&mut self) {
        self.allowance = None;
    }

    /// Pauses after `steps` more training steps. Probes before the last of them are included.
    pub fn pause_after(&mut self, steps: u32) {
        self.allowance = Some(steps);
    }

    /// Sets the step size of every layer. Without a controller it applies from the next submission on; a controller starts
    /// from it.
    ///
    /// # Errors
    /// Returns an error if the step size is negative or not finite.
    pub fn set_step_size(&mut self, step_size: f32) -> Result<(), Error> {
        self.write_step_size(step_size)?;
        self.settings.step_size = step_size;
        match self.settings.controller {
            Controller::Off => Ok(()),
            _ => self.steer(),
        }
    }

    /// Changes the controller. The new one starts from the settings' step size, with empty windows.
    ///
    /// # Errors
    /// Returns an error if the step size is outside the controller's limits.
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

    /// Does one frame's share of the work.
    ///
    /// # Errors
    /// Returns an error if the device fails.
    pub fn frame(&mut self) -> Result<(), Error> {
        // The poll asks for finished work and does not wait. In a browser it does nothing, and nothing is needed.
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
            // The begin of a probe does one iteration.
            self.engine.encode_probe_begin(encoder)?;
            left -= 1;
        }
        let iterations = left.min(self.iterations_per_frame());
        let first = all - left;
        if is_first {
            self.encode_timed(encoder, Timed::Iterations { first, iterations })?;
        } else {
            // Replicas that have converged take no time, which would mislead the pacer.
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

    /// Records work in a pass of its own, timed if the stopwatch is idle.
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
            // A replica that is not finite has no statistics, and is not trained any more.
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
