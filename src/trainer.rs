//! Training from a host program's point of view, on whichever device was chosen.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytemuck::cast_slice;
use rayon::prelude::*;

use crate::cpu::CpuExecutor;
use crate::engine::Engine;
use crate::error::Error;
use crate::gpu::{
    self, AdapterSummary, Gpu, Submissions, adapters, present_adapters, replicas_that_fit,
};
use crate::indicators::{self, Indicators};
use crate::memory;
use crate::network::LayerParameters;
use crate::plan::{BufferId, Program};
use crate::probe::{NotFinite, ProbeStats};
use crate::progress::ReplicaProgress;
use crate::snapshot::{Snapshot, carried_buffers};
use crate::spec::{MOST_REPLICAS, TrainingSpec};
use crate::state::ReplicaState;

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// A real GPU if there is one, else the CPU executor; OpenGL is asked only where no other interface has an
    /// adapter. Software rasterisers such as llvmpipe are
    /// slower than the CPU executor and are used only when asked for.
    #[default]
    Auto,
    /// The CPU executor.
    Cpu,
    /// The best Vulkan adapter, software included.
    Vulkan,
    /// The best Metal adapter.
    Metal,
    /// The best DirectX 12 adapter, software included.
    Dx12,
    /// The best OpenGL adapter, software included.
    Gl,
}

impl Backend {
    /// The names that [`FromStr`] takes.
    pub const NAMES: [&'static str; 6] = ["auto", "cpu", "vulkan", "metal", "dx12", "gl"];

    /// Its name among [`Self::NAMES`].
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Where its adapters are looked for.
    fn wgpu_backends(self) -> wgpu::Backends {
        match self {
            Self::Auto => wgpu::Backends::all(),
            Self::Cpu => wgpu::Backends::empty(),
            Self::Vulkan => wgpu::Backends::VULKAN,
            Self::Metal => wgpu::Backends::METAL,
            Self::Dx12 => wgpu::Backends::DX12,
            Self::Gl => wgpu::Backends::GL,
        }
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [
            Self::Auto,
            Self::Cpu,
            Self::Vulkan,
            Self::Metal,
            Self::Dx12,
            Self::Gl,
        ];
        let named = all.into_iter().find(|backend| backend.name() == name);
        named.ok_or_else(|| Error::invalid("backend", Self::NAMES.join(", "), name))
    }
}

/// What was chosen to compute on.
#[derive(Clone, Debug)]
pub enum Compute {
    /// The CPU executor.
    Cpu,
    /// A device of our own.
    Gpu(Arc<Gpu>),
}

impl Compute {
    /// Opens what `backend` asks for; returns it with a line that says what was chosen and why. [`Backend::Auto`] passes
    /// over adapters that give no device.
    ///
    /// # Errors
    /// [`gpu::Error::NoAdapter`] with all adapters that another `backend` would take, OpenGL's too, or
    /// [`gpu::Error::NoDevice`].
    pub fn open(backend: Backend) -> Result<(Self, String), Error> {
        Self::open_with(backend, wgpu::Features::empty())
    }

    /// As [`Self::open`], with those of `features` that the chosen adapter has, for the caller's own use.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(backend: Backend, features: wgpu::Features) -> Result<(Self, String), Error> {
        match backend {
            Backend::Cpu => Ok((Self::Cpu, cpu_because("asked for"))),
            Backend::Auto => Ok(Self::open_best(features)),
            named => Self::open_named(named, features),
        }
    }

    fn open_named(backend: Backend, features: wgpu::Features) -> Result<(Self, String), Error> {
        let found = pollster::block_on(adapters(backend.wgpu_backends()));
        let (summary, adapter) = found.first().ok_or_else(|| gpu::Error::NoAdapter {
            wanted: format!("{backend:?}"),
            found: list(&pollster::block_on(adapters(wgpu::Backends::all()))),
        })?;
        let gpu = open_adapter(adapter, features)?;
        Ok((gpu, format!("{summary}: asked for")))
    }

    /// The best hardware GPU that gives a device, or else the CPU executor.
    fn open_best(features: wgpu::Features) -> (Self, String) {
        let found = pollster::block_on(present_adapters());
        let hardware = found.iter().filter(|(summary, _)| summary.is_hardware());
        let mut refusals = Vec::new();
        for (summary, adapter) in hardware {
            match open_adapter(adapter, features) {
                Ok(gpu) => return (gpu, format!("{summary}: the best GPU found")),
                Err(error) => refusals.push(error.to_string()),
            }
        }
        let why = if refusals.is_empty() {
            let list = list(&found);
            format!("no hardware GPU found (software adapters: {list})")
        } else {
            format!("no hardware GPU to be had ({})", refusals.join("; "))
        };
        (Self::Cpu, cpu_because(&why))
    }
}

fn open_adapter(adapter: &wgpu::Adapter, features: wgpu::Features) -> Result<Compute, Error> {
    let gpu = pollster::block_on(Gpu::open_with(adapter, features & adapter.features()))?;
    Ok(Compute::Gpu(Arc::new(gpu)))
}

fn cpu_because(why: &str) -> String {
    format!(
        "CPU executor, {} threads: {why}",
        rayon::current_num_threads()
    )
}

/// Copies of what training depends on while a checkpoint is written: as words, as tensors, as a file.
const COPIES: u64 = 3;

/// So many replicas of `spec`, for messages.
fn describe(spec: &TrainingSpec, replicas: usize) -> String {
    let widths: Vec<_> = spec.network.widths().iter().map(u32::to_string).collect();
    let count = match replicas {
        1 => "a replica".to_owned(),
        count => format!("{count} replicas"),
    };
    format!(
        "{count} of {} at minibatches of {}",
        short(&widths),
        spec.batch
    )
}

/// Widths, the first and last few of many.
fn short(widths: &[String]) -> String {
    match widths {
        [first @ .., a, b] if first.len() > 4 => format!("{}-...-{a}-{b}", first[..2].join("-")),
        all => all.join("-"),
    }
}

/// So that the widest product of a training step stays below about 50 ms where a software adapter multiplies and adds
/// 10^9 times a second.
fn replicas_in_short_dispatches(spec: &TrainingSpec) -> usize {
    const SHORT: u64 = 50_000_000;
    let products =
        spec.network.layers().iter().map(|layer| {
            u64::from(layer.inputs) * u64::from(layer.outputs) * u64::from(spec.batch)
        });
    let widest = products.max().unwrap_or(1).max(1);
    usize::try_from((SHORT / widest).max(1)).unwrap_or(usize::MAX)
}

fn list(adapters: &[(AdapterSummary, wgpu::Adapter)]) -> String {
    if adapters.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<_> = adapters.iter().map(|(name, _)| name.to_string()).collect();
    names.join("; ")
}

impl Compute {
    /// What computes, in words: an adapter with its driver, or the CPU executor.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => "CPU executor".to_owned(),
            Self::Gpu(gpu) => gpu.adapter.to_string(),
        }
    }

    /// How many replicas like the first of `spec` had better train together: on a device as many as its largest
    /// buffer allows, on a software adapter no more than keep its dispatches short, on the CPU as many as there is memory
    /// for, with their checkpoint; never more than a specification may have.
    ///
    /// # Errors
    /// A specification outside its ranges; [`gpu::Error::Limit`] or [`Error::Memory`] where not even one fits.
    pub fn replicas_that_fit(&self, spec: &TrainingSpec) -> Result<usize, Error> {
        match self {
            Self::Cpu => {
                let program = Program::new(&spec.first_alone())?;
                let bytes = program.replica_bytes() + COPIES * program.carried_bytes();
                let fit = memory::fit(|| describe(spec, 1), bytes)?;
                Ok(usize::try_from(fit)
                    .unwrap_or(usize::MAX)
                    .min(MOST_REPLICAS))
            }
            Self::Gpu(gpu) => {
                let fit = replicas_that_fit(spec, &gpu.device.limits())?;
                Ok(if gpu.adapter.is_hardware() {
                    fit
                } else {
                    fit.min(replicas_in_short_dispatches(spec))
                })
            }
        }
    }
}

/// A batch of replicas in training.
pub struct Trainer {
    spec: TrainingSpec,
    executor: Executor,
    /// Whether a probe has left the gradients that the next step needs.
    has_probed: bool,
}

/// One of the two ways to run a program's plans.
enum Executor {
    Cpu {
        program: Box<Program>,
        executor: CpuExecutor,
    },
    Gpu {
        gpu: Arc<Gpu>,
        engine: Box<Engine>,
        submissions: Submissions,
    },
}

impl Trainer {
    /// Allocates everything and draws the initial parameters.
    ///
    /// # Errors
    /// A specification outside its ranges or beyond the device's limits, [`Error::Memory`] on a CPU that has not enough
    /// of it, or a device that fails.
    pub fn new(compute: &Compute, spec: TrainingSpec) -> Result<Self, Error> {
        let executor = match compute {
            Compute::Cpu => {
                let program = Box::new(Program::new(&spec)?);
                let replicas = spec.replicas.len();
                let bytes = program.replica_bytes() * replicas as u64;
                memory::fit(|| describe(&spec, replicas), bytes)?;
                let mut executor = CpuExecutor::new(&program);
                executor.run(&program.initialise, 1);
                Executor::Cpu { program, executor }
            }
            Compute::Gpu(gpu) => {
                let mut engine = Box::new(Engine::new(&gpu.device, spec.clone())?);
                let mut encoder = gpu.device.create_command_encoder(&Default::default());
                engine.encode_initialise(&mut encoder);
                gpu.queue.submit([encoder.finish()]);
                gpu.check("setting up")?;
                Executor::Gpu {
                    gpu: gpu.clone(),
                    engine,
                    submissions: Submissions::new(gpu.clone()),
                }
            }
        };
        Ok(Self {
            spec,
            executor,
            has_probed: false,
        })
    }

    /// What is being trained.
    pub fn spec(&self) -> &TrainingSpec {
        &self.spec
    }

    /// Trains all replicas for `steps` steps of their task streams.
    ///
    /// # Errors
    /// [`Error::NoTaskStream`], or a device that fails.
    pub fn train(&mut self, steps: u32) -> Result<(), Error> {
        if steps == 0 {
            return Ok(());
        }
        let probed = u32::from(std::mem::take(&mut self.has_probed));
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                let step = program.step.as_ref().ok_or(Error::NoTaskStream)?;
                if let Some(probed_step) = &program.probed_step {
                    executor.run(probed_step, probed);
                }
                executor.run(step, steps - probed);
                Ok(())
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => {
                let step = engine.recorded_step()?;
                if probed > 0 {
                    submissions.run(engine.recorded_probed_step()?, probed)?;
                }
                Ok(submissions.run(step, steps - probed)?)
            }
        }
    }

    /// Trains for `updates` steps on the minibatches that [`Self::write_batch`] loaded.
    ///
    /// # Errors
    /// A device that fails.
    pub fn update(&mut self, updates: u32) -> Result<(), Error> {
        self.has_probed = false;
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                executor.run(&program.update, updates);
                Ok(())
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => Ok(submissions.run(engine.recorded_update()?, updates)?),
        }
    }

    /// Probes the minibatch that comes next (the stream's, or the one that [`Self::write_batch`]
    /// loaded), before its update: statistics and curvature, one entry per replica. Training goes on
    /// as if it had not been.
    ///
    /// # Errors
    /// [`Error::NoProbe`] without [`TrainingSpec::probe`], or a device that fails.
    pub fn probe(&mut self) -> Result<Vec<Result<ProbeStats, NotFinite>>, Error> {
        let probe = self.spec.probe.ok_or(Error::NoProbe)?;
        let stats = match &mut self.executor {
            Executor::Cpu { program, executor } => {
                let plans = program.probe.as_ref().ok_or(Error::NoProbe)?;
                let names = program.names.probe.as_ref().ok_or(Error::NoProbe)?;
                executor.run(&plans.begin, 1);
                for (plan, times) in plans.products(1..probe.iterations) {
                    executor.run(plan, times);
                }
                executor.run(&plans.end, 1);
                let stats = |r| {
                    let state: &[ReplicaState] = cast_slice(executor.read(names.states, r));
                    let slots = cast_slice(executor.read(names.slots, r));
                    let records = cast_slice(executor.read(names.records, r));
                    ProbeStats::new(&self.spec, &probe, &state[0], slots, records)
                };
                Ok((0..self.spec.replicas.len()).map(stats).collect())
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => {
                let plans = &engine.recorded_probe()?.plans;
                submissions.run(&plans.begin, 1)?;
                for (plan, times) in plans.products(1..probe.iterations) {
                    submissions.run(plan, times)?;
                }
                submissions.read(|device, encoder| {
                    engine.encode_probe_end(encoder)?;
                    engine.encode_probe_stats(device, encoder)
                })
            }
        }?;
        self.has_probed = true;
        Ok(stats)
    }

    /// Takes all replicas' current parameters as the initial ones, which L2-init and the Wasserstein
    /// regulariser pull towards. [`Self::new`] has taken those that it drew.
    ///
    /// # Errors
    /// A device that fails.
    pub fn anchor(&mut self) -> Result<(), Error> {
        self.has_probed = false;
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                executor.run(&program.anchor, 1);
                Ok(())
            }
            Executor::Gpu { gpu, engine, .. } => {
                let mut encoder = gpu.device.create_command_encoder(&Default::default());
                engine.encode_anchor(&mut encoder)?;
                gpu.queue.submit([encoder.finish()]);
                Ok(gpu.check("anchoring")?)
            }
        }
    }

    /// Other indicators of lost trainability, from the minibatch of the latest probe, one entry per
    /// replica. To be asked for right after [`Self::probe`]: training steps overwrite what it left.
    ///
    /// A replica that is not finite has an error of its own.
    ///
    /// # Errors
    /// [`Error::NoProbe`] without [`TrainingSpec::probe`], or a device that fails.
    pub fn indicators(&mut self) -> Result<Vec<Result<Indicators, Error>>, Error> {
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                let sources = program.names.indicator_sources()?;
                let of_replica = |r| {
                    let parts: Vec<_> = sources.iter().map(|id| executor.read(*id, r)).collect();
                    indicators::of_stored(&self.spec, &parts)
                };
                let replicas = 0..self.spec.replicas.len();
                Ok(replicas.into_par_iter().map(of_replica).collect())
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => submissions.read(|device, encoder| engine.encode_indicators(device, encoder)),
        }
    }

    /// Loads one replica's minibatch: `inputs` `[batch, inputs]`, `labels` `[batch]`.
    ///
    /// # Errors
    /// A replica, length or label out of range.
    pub fn write_batch(
        &mut self,
        replica: usize,
        inputs: &[f32],
        labels: &[u32],
    ) -> Result<(), Error> {
        self.has_probed = false;
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                self.spec.check_replica(replica)?;
                let (inputs, labels) = self.spec.pack_batch(inputs, labels)?;
                executor.write(program.names.activations[0], replica, &inputs);
                executor.write(program.names.labels, replica, &labels);
                Ok(())
            }
            Executor::Gpu { gpu, engine, .. } => {
                engine.write_batch(&gpu.queue, replica, inputs, labels)
            }
        }
    }

    /// Sets one replica's parameters. The optimiser's moments stay, and so do the parameters that
    /// regularisers pull towards: see [`Self::anchor`].
    ///
    /// # Errors
    /// A replica or a shape out of range.
    pub fn write_parameters(
        &mut self,
        replica: usize,
        parameters: &[LayerParameters],
    ) -> Result<(), Error> {
        self.has_probed = false;
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                self.spec.check_replica(replica)?;
                let stored = self.spec.network.pack(parameters)?;
                executor.write(program.names.parameters, replica, &stored);
                Ok(())
            }
            Executor::Gpu { gpu, engine, .. } => {
                engine.write_parameters(&gpu.queue, replica, parameters)
            }
        }
    }

    /// Sets one replica's step size of every layer.
    ///
    /// # Errors
    /// A replica out of range, not one step size per layer, or one that is negative or not finite.
    pub fn set_step_sizes(&mut self, replica: usize, step_sizes: &[f32]) -> Result<(), Error> {
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                self.spec.check_replica(replica)?;
                let controls = self.spec.layer_controls(step_sizes)?;
                executor.write(program.names.layer_controls, replica, &controls);
                Ok(())
            }
            Executor::Gpu { gpu, engine, .. } => {
                engine.set_step_sizes(&gpu.queue, replica, step_sizes)
            }
        }
    }

    /// Waits for the training so far and says where every replica stands.
    ///
    /// # Errors
    /// A device that fails.
    pub fn progress(&mut self) -> Result<Vec<ReplicaProgress>, Error> {
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                let names = &program.names;
                let replica = |r| {
                    let state = cast_slice(executor.read(names.states, r))[0];
                    let log = cast_slice(executor.read(names.task_log, r));
                    ReplicaProgress::new(&state, log, self.spec.batch)
                };
                Ok((0..self.spec.replicas.len()).map(replica).collect())
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => submissions.read(|device, encoder| Ok(engine.encode_progress(device, encoder))),
        }
    }

    /// Every replica's parameters in PyTorch's layout: `[replica][layer]`.
    ///
    /// # Errors
    /// A device that fails.
    pub fn parameters(&mut self) -> Result<Vec<Vec<LayerParameters>>, Error> {
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                unpack_all(&self.spec, executor, program.names.parameters)
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => submissions.read(|device, encoder| Ok(engine.encode_parameters(device, encoder))),
        }
    }

    /// Every replica's latest gradients, those of the latest step or probe: `[replica][layer]`. They
    /// are of the loss and, where a replica uses them, of L2-init and the Wasserstein regulariser; the
    /// coupled L2 term, which Adam adds by itself, is not in them.
    ///
    /// # Errors
    /// A device that fails.
    pub fn gradients(&mut self) -> Result<Vec<Vec<LayerParameters>>, Error> {
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                unpack_all(&self.spec, executor, program.names.gradients)
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => submissions.read(|device, encoder| Ok(engine.encode_gradients(device, encoder))),
        }
    }

    /// How long the longest submission took so far; `None` on the CPU. They are cut to 50 ms, as far as single
    /// dispatches are not longer.
    pub fn longest_submission(&self) -> Option<Duration> {
        match &self.executor {
            Executor::Cpu { .. } => None,
            Executor::Gpu { submissions, .. } => Some(submissions.longest()),
        }
    }

    /// Everything that training and probes depend on, of all replicas, as it stands now.
    ///
    /// # Errors
    /// A device that fails.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                let replicas = 0..self.spec.replicas.len();
                let buffer = |id| {
                    let words = replicas.clone().flat_map(|r| executor.read(id, r));
                    (program.buffer(id).name.clone(), words.copied().collect())
                };
                Ok(Snapshot::new(program.carried.iter().copied().map(buffer)))
            }
            Executor::Gpu {
                engine,
                submissions,
                ..
            } => submissions.read(|device, encoder| Ok(engine.encode_snapshot(device, encoder))),
        }
    }

    /// Takes a snapshot back: training goes on as it would have from there, with the same bits where it
    /// is of the same device.
    ///
    /// # Errors
    /// A snapshot of another specification, or one that no training leaves: see [`Engine::restore`].
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.has_probed = false;
        match &mut self.executor {
            Executor::Cpu { program, executor } => {
                let carried = carried_buffers(program);
                snapshot.check(&carried, &self.spec, &program.names)?;
                for (own, words) in carried.iter().zip(snapshot.words()) {
                    let each = words.chunks(program.buffer(own.id).words);
                    each.enumerate()
                        .for_each(|(r, words)| executor.write(own.id, r, words));
                }
                Ok(())
            }
            Executor::Gpu { gpu, engine, .. } => engine.restore(&gpu.queue, snapshot),
        }
    }
}

fn unpack_all(
    spec: &TrainingSpec,
    executor: &CpuExecutor,
    id: BufferId,
) -> Result<Vec<Vec<LayerParameters>>, Error> {
    let unpack = |r| spec.network.unpack(cast_slice(executor.read(id, r)));
    (0..spec.replicas.len()).map(unpack).collect()
}
