//! What embedders hold: training on a device that is theirs.

use std::ops::Range;

use bytemuck::cast_slice;
use rayon::prelude::*;

use crate::error::Error;
use crate::gpu::{Readback, RecordedPlan, Recorder, Requirements};
use crate::indicators::{self, Indicators};
use crate::network::LayerParameters;
use crate::plan::{BufferId, Buffers, ProbeBuffers, ProbePlans, Program, TASK_LOG_LENGTH};
use crate::probe::{NotFinite, ProbeSpec, ProbeStats};
use crate::progress::ReplicaProgress;
use crate::snapshot::{CarriedBuffer, Snapshot, carried_buffers};
use crate::spec::TrainingSpec;
use crate::state::{ReplicaState, TaskRecord};

/// A batch of replicas in training on a wgpu device.
///
/// The engine never creates, owns or polls a device, and `encode_*` never submits: it records into
/// the caller's encoder, beside whatever else the caller records there. It needs no optional feature
/// and no more than WebGPU's default limits, unless the network itself is too large for them.
pub struct Engine {
    spec: TrainingSpec,
    names: Buffers,
    carried: Vec<CarriedBuffer>,
    recorder: Recorder,
    initialise: RecordedPlan,
    anchor: RecordedPlan,
    update: RecordedPlan,
    step: Option<RecordedPlan>,
    probed_step: Option<RecordedPlan>,
    probe: Option<RecordedProbe>,
    has_parameters: bool,
    has_anchor: bool,
}

/// The plans of a probe, ready to be recorded.
pub(crate) struct RecordedProbe {
    pub(crate) spec: ProbeSpec,
    names: ProbeBuffers,
    pub(crate) plans: ProbePlans<RecordedPlan>,
}

impl Engine {
    /// Allocates buffers and compiles pipelines.
    ///
    /// # Errors
    /// A specification outside its ranges, or one that the device's limits do not allow:
    /// [`Error::Limit`] names the limit, what is required and what is available ([`Requirements`] says so
    /// before there is a device). [`Error::OutOfMemory`], or a device that is lost.
    pub fn new(device: &wgpu::Device, spec: TrainingSpec) -> Result<Self, Error> {
        let program = Program::new(&spec)?;
        Requirements::of(&program).check(&device.limits())?;
        let mut recorder = Recorder::new(device, &program)?;
        let parts = (&spec.probe, &program.names.probe, &program.probe);
        let probe = match parts {
            (Some(spec), Some(names), Some(plans)) => Some(RecordedProbe {
                spec: *spec,
                names: names.clone(),
                plans: plans.map(|plan| recorder.prepare(device, plan))?,
            }),
            _ => None,
        };
        Ok(Self {
            spec,
            probe,
            initialise: recorder.prepare(device, &program.initialise)?,
            anchor: recorder.prepare(device, &program.anchor)?,
            update: recorder.prepare(device, &program.update)?,
            step: program
                .step
                .as_ref()
                .map(|step| recorder.prepare(device, step))
                .transpose()?,
            probed_step: program
                .probed_step
                .as_ref()
                .map(|step| recorder.prepare(device, step))
                .transpose()?,
            has_parameters: false,
            has_anchor: !program.names.regularisers.are_used(),
            carried: carried_buffers(&program),
            names: program.names,
            recorder,
        })
    }

    /// What is being trained.
    pub fn spec(&self) -> &TrainingSpec {
        &self.spec
    }

    /// The names of the buffers, for [`Self::buffer`].
    pub fn buffers(&self) -> &Buffers {
        &self.names
    }

    /// A buffer on the device, for the caller's own kernels and copies. Layouts are in
    /// [`Buffers`] and [`crate::network`].
    pub fn buffer(&self, id: BufferId) -> &wgpu::Buffer {
        self.recorder.buffer(id)
    }

    /// The parameters `[replica, stride]` on the device; [`crate::network::Layer`] says where each
    /// weight lies.
    pub fn parameters(&self) -> &wgpu::Buffer {
        self.buffer(self.names.parameters)
    }

    /// Records the drawing of initial parameters (Kaiming uniform from each replica's seed), which are
    /// also those that regularisers pull towards.
    pub fn encode_initialise(&mut self, encoder: &mut wgpu::CommandEncoder) {
        self.initialise.encode(encoder, 1);
        self.has_parameters = true;
        self.has_anchor = true;
    }

    /// Records the taking of all replicas' current parameters as the initial ones, which L2-init and
    /// the Wasserstein regulariser pull towards: for parameters that [`Self::write_parameters`], or a
    /// kernel of the caller's, has set. Does nothing where no replica uses either.
    ///
    /// # Errors
    /// [`Error::NoParameters`]
    pub fn encode_anchor(&mut self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        if !self.has_parameters {
            return Err(Error::NoParameters);
        }
        self.anchor.encode(encoder, 1);
        self.has_anchor = true;
        Ok(())
    }

    /// Records `steps` training steps on the task stream. Tasks switch by themselves.
    ///
    /// # Errors
    /// [`Error::NoTaskStream`]; [`Error::NoParameters`] before [`Self::encode_initialise`] or
    /// [`Self::write_parameters`]; [`Error::NoAnchor`] where regularisers have nothing to pull towards.
    pub fn encode_steps(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        steps: u32,
    ) -> Result<(), Error> {
        self.recorded_step()?.encode(encoder, steps);
        Ok(())
    }

    /// As [`Self::encode_steps`], into a compute pass that the caller has opened: with timestamps or a
    /// label of its own, or among other dispatches. Every dispatch is in a debug group with the name of
    /// its kernel.
    ///
    /// # Errors
    /// As [`Self::encode_steps`].
    pub fn encode_steps_in(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        steps: u32,
    ) -> Result<(), Error> {
        self.recorded_step()?.encode_in(pass, steps);
        Ok(())
    }

    /// One step as [`Self::encode_steps`] would record it, to the bit, for callers who have just recorded a probe:
    /// it takes over the probe's gradients, and so spares a forward and a backward pass. Between the two nothing but step
    /// sizes may be written.
    ///
    /// # Errors
    /// As [`Self::encode_steps`]; [`Error::NoProbe`]
    pub fn encode_step_after_probe(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        self.recorded_probed_step()?.encode(encoder, 1);
        Ok(())
    }

    /// As [`Self::encode_step_after_probe`], into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// As [`Self::encode_step_after_probe`].
    pub fn encode_step_after_probe_in(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
    ) -> Result<(), Error> {
        self.recorded_probed_step()?.encode_in(pass, 1);
        Ok(())
    }

    /// Records `updates` training steps on the minibatch that [`Self::write_batch`] loaded.
    ///
    /// # Errors
    /// [`Error::NoParameters`] or [`Error::NoAnchor`]
    pub fn encode_updates(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        updates: u32,
    ) -> Result<(), Error> {
        self.recorded_update()?.encode(encoder, updates);
        Ok(())
    }

    /// As [`Self::encode_updates`], into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// As [`Self::encode_updates`].
    pub fn encode_updates_in(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        updates: u32,
    ) -> Result<(), Error> {
        self.recorded_update()?.encode_in(pass, updates);
        Ok(())
    }

    /// Records a probe of the minibatch that comes next (the stream's, or the one that
    /// [`Self::write_batch`] loaded), before its update: statistics and curvature of every layer. It
    /// changes nothing that training depends on; [`Self::encode_probe_stats`] brings the results.
    ///
    /// # Errors
    /// [`Error::NoProbe`] without [`TrainingSpec::probe`], [`Error::NoParameters`], or
    /// [`Error::NoAnchor`].
    pub fn encode_probe(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        let probe = self.recorded_probe()?;
        self.encode_probe_begin(encoder)?;
        self.encode_probe_iterations(encoder, 1..probe.spec.iterations)?;
        self.encode_probe_end(encoder)
    }

    /// As [`Self::encode_probe`], into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// As [`Self::encode_probe`].
    pub fn encode_probe_in(&self, pass: &mut wgpu::ComputePass<'_>) -> Result<(), Error> {
        self.check_parameters()?;
        let probe = self.recorded_probe()?;
        probe.plans.begin.encode_in(pass, 1);
        self.encode_probe_iterations_in(pass, 1..probe.spec.iterations)?;
        probe.plans.end.encode_in(pass, 1);
        Ok(())
    }

    /// The first third of [`Self::encode_probe`], for callers who cut long probes into submissions:
    /// statistics and one iteration, number 0.
    ///
    /// # Errors
    /// As [`Self::encode_probe`].
    pub fn encode_probe_begin(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        self.check_parameters()?;
        self.recorded_probe()?.plans.begin.encode(encoder, 1);
        Ok(())
    }

    /// The iterations of these numbers, of those eigenvectors that have not converged: from 1 on, in
    /// ascending order, each once, and as many as there are to be. LOBPCG does not do the same in
    /// each.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_probe_iterations(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        numbers: Range<u32>,
    ) -> Result<(), Error> {
        for (plan, times) in self.recorded_probe()?.plans.products(numbers) {
            plan.encode(encoder, times);
        }
        Ok(())
    }

    /// As [`Self::encode_probe_iterations`], into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// As [`Self::encode_probe_iterations`].
    pub fn encode_probe_iterations_in(
        &self,
        pass: &mut wgpu::ComputePass<'_>,
        numbers: Range<u32>,
    ) -> Result<(), Error> {
        for (plan, times) in self.recorded_probe()?.plans.products(numbers) {
            plan.encode_in(pass, times);
        }
        Ok(())
    }

    /// Keeps the eigenvectors for the next probe.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_probe_end(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        self.recorded_probe()?.plans.end.encode(encoder, 1);
        Ok(())
    }

    /// Records a copy of what the latest probe found, for every replica.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_probe_stats(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Readback<Vec<Result<ProbeStats, NotFinite>>>, Error> {
        let probe = self.recorded_probe()?;
        let names = [probe.names.states, probe.names.slots, probe.names.records];
        let sources = names.map(|id| self.buffer(id));
        let (spec, probe_spec) = (self.spec.clone(), probe.spec);
        let slots = spec.network.layers().len() + 1;
        Ok(Readback::record(device, encoder, &sources, move |words| {
            let states: &[ReplicaState] = cast_slice(words[0]);
            states
                .iter()
                .zip(cast_slice(words[1]).chunks(slots))
                .zip(cast_slice(words[2]).chunks(slots))
                .map(|((state, slots), records)| {
                    ProbeStats::new(&spec, &probe_spec, state, slots, records)
                })
                .collect()
        }))
    }

    /// Records a copy of what the latest probe's pass over its minibatch left behind; once it is read,
    /// the indicators of every replica are computed from it, in parallel. To be recorded right after a
    /// probe: training steps overwrite the pass with their own.
    ///
    /// A replica that is not finite has an error of its own.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_indicators(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Readback<Vec<Result<Indicators, Error>>>, Error> {
        let sources = self.names.indicator_sources()?;
        let sources: Vec<_> = sources.into_iter().map(|id| self.buffer(id)).collect();
        let spec = self.spec.clone();
        Ok(Readback::record(
            device,
            encoder,
            &sources,
            move |buffers| {
                let replicas = spec.replicas.len();
                let of_replica = |r| {
                    let parts = buffers.iter().map(|buffer| {
                        let words = buffer.len() / replicas;
                        &buffer[r * words..(r + 1) * words]
                    });
                    indicators::of_stored(&spec, &parts.collect::<Vec<_>>())
                };
                (0..replicas).into_par_iter().map(of_replica).collect()
            },
        ))
    }

    pub(crate) fn recorded_step(&self) -> Result<&RecordedPlan, Error> {
        self.check_parameters()?;
        self.step.as_ref().ok_or(Error::NoTaskStream)
    }

    pub(crate) fn recorded_probed_step(&self) -> Result<&RecordedPlan, Error> {
        self.recorded_probe()?;
        self.check_parameters()?;
        self.probed_step.as_ref().ok_or(Error::NoTaskStream)
    }

    pub(crate) fn recorded_update(&self) -> Result<&RecordedPlan, Error> {
        self.check_parameters()?;
        Ok(&self.update)
    }

    pub(crate) fn recorded_probe(&self) -> Result<&RecordedProbe, Error> {
        self.probe.as_ref().ok_or(Error::NoProbe)
    }

    fn check_parameters(&self) -> Result<(), Error> {
        match (self.has_parameters, self.has_anchor) {
            (false, _) => Err(Error::NoParameters),
            (true, false) => Err(Error::NoAnchor),
            (true, true) => Ok(()),
        }
    }

    /// Loads a minibatch of one replica before the queue's next submission: `inputs`
    /// `[batch, inputs]`, `labels` `[batch]`.
    ///
    /// # Errors
    /// A replica, length or label out of range.
    pub fn write_batch(
        &self,
        queue: &wgpu::Queue,
        replica: usize,
        inputs: &[f32],
        labels: &[u32],
    ) -> Result<(), Error> {
        let (inputs, labels) = self.spec.pack_batch(inputs, labels)?;
        self.write(queue, self.names.activations[0], replica, &inputs)?;
        self.write(queue, self.names.labels, replica, &labels)
    }

    /// Sets one replica's parameters before the queue's next submission. The optimiser's moments stay,
    /// and so do the parameters that regularisers pull towards: see [`Self::encode_anchor`].
    ///
    /// # Errors
    /// A replica or a shape out of range.
    pub fn write_parameters(
        &mut self,
        queue: &wgpu::Queue,
        replica: usize,
        parameters: &[LayerParameters],
    ) -> Result<(), Error> {
        let stored = self.spec.network.pack(parameters)?;
        self.write(queue, self.names.parameters, replica, &stored)?;
        self.has_parameters = true;
        Ok(())
    }

    /// Sets one replica's step size of every layer before the queue's next submission.
    ///
    /// # Errors
    /// A replica out of range, not one step size per layer, or one that is negative or not finite.
    pub fn set_step_sizes(
        &self,
        queue: &wgpu::Queue,
        replica: usize,
        step_sizes: &[f32],
    ) -> Result<(), Error> {
        let controls = self.spec.layer_controls(step_sizes)?;
        self.write(queue, self.names.layer_controls, replica, &controls)
    }

    /// Writes the whole of one replica's part of a buffer.
    fn write<T: bytemuck::Pod>(
        &self,
        queue: &wgpu::Queue,
        id: BufferId,
        replica: usize,
        values: &[T],
    ) -> Result<(), Error> {
        self.spec.check_replica(replica)?;
        let bytes: &[u8] = cast_slice(values);
        queue.write_buffer(self.buffer(id), (replica * bytes.len()) as u64, bytes);
        Ok(())
    }

    /// Records a copy of everything that training and probes depend on, of all replicas. Step sizes
    /// that [`Self::set_step_sizes`] has set are in it.
    pub fn encode_snapshot(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Snapshot> {
        let carried = self.carried.clone();
        let sources: Vec<_> = carried.iter().map(|own| self.buffer(own.id)).collect();
        Readback::record(device, encoder, &sources, move |words| {
            let names = carried.into_iter().map(|own| own.name);
            let words = words.iter().map(|words| words.to_vec());
            Snapshot::new(names.zip(words))
        })
    }

    /// Takes a snapshot back before the queue's next submission: training goes on as it would have from
    /// there, with the same bits.
    ///
    /// # Errors
    /// A snapshot of an engine of another specification, by the names and lengths of its buffers, or one whose
    /// counts, places and step sizes no training leaves: [`Error::Invalid`] or [`Error::Length`]. Nothing has changed
    /// then.
    pub fn restore(&mut self, queue: &wgpu::Queue, snapshot: &Snapshot) -> Result<(), Error> {
        snapshot.check(&self.carried, &self.spec, &self.names)?;
        for (own, words) in self.carried.iter().zip(snapshot.words()) {
            queue.write_buffer(self.buffer(own.id), 0, cast_slice(words));
        }
        self.has_parameters = true;
        self.has_anchor = true;
        Ok(())
    }

    /// Records a copy of every replica's standing and scores.
    pub fn encode_progress(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<ReplicaProgress>> {
        let batch = self.spec.batch;
        let sources = [self.names.states, self.names.task_log].map(|id| self.buffer(id));
        Readback::record(device, encoder, &sources, move |words| {
            let states: &[ReplicaState] = cast_slice(words[0]);
            let logs: &[TaskRecord] = cast_slice(words[1]);
            states
                .iter()
                .zip(logs.chunks(TASK_LOG_LENGTH as usize))
                .map(|(state, log)| ReplicaProgress::new(state, log, batch))
                .collect()
        })
    }

    /// Records a copy of every replica's parameters, in PyTorch's layout once it is read:
    /// `[replica][layer]`.
    pub fn encode_parameters(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<Vec<LayerParameters>>> {
        self.encode_layered(device, encoder, self.names.parameters)
    }

    /// Records a copy of every replica's latest gradients, those of the latest step or probe:
    /// `[replica][layer]`. They are of the loss and, where a replica uses them, of L2-init and the
    /// Wasserstein regulariser; the coupled L2 term, which Adam adds by itself, is not in them.
    pub fn encode_gradients(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<Vec<LayerParameters>>> {
        self.encode_layered(device, encoder, self.names.gradients)
    }

    fn encode_layered(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        id: BufferId,
    ) -> Readback<Vec<Vec<LayerParameters>>> {
        let network = self.spec.network.clone();
        Readback::record(device, encoder, &[self.buffer(id)], move |words| {
            let unpack = |stored: &[f32]| network.unpack(stored).expect("a replica's stride");
            cast_slice(words[0])
                .chunks(network.parameter_stride())
                .map(unpack)
                .collect()
        })
    }
}
