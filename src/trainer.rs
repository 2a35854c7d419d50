//! Training from a host program's point of view, on whichever device was chosen.

use std::time::Duration;

use bytemuck::cast_slice;

use crate::compute::{Compute, describe};
use crate::decode::{self, Question};
use crate::error::{Error, NotFinite};
use crate::executor::{CpuPlans, Executor, GpuPlans, Work};
use crate::indicators::Indicators;
use crate::memory;
use crate::network::Parameters;
use crate::plan::{Buffers, Program};
use crate::probe::ProbeStats;
use crate::progress::ReplicaProgress;
use crate::snapshot::{PersistentBuffer, Snapshot, persistent_buffers};
use crate::spec::TrainingSpec;

/// A batch of replicas in training.
pub struct Trainer {
    spec: TrainingSpec,
    buffers: Buffers,
    persistent: Vec<PersistentBuffer>,
    executor: Box<dyn Executor>,
    /// Updates since the start: they tell when a task switches.
    updates: u64,
    /// Whether a probe has left the gradients that the next step needs.
    has_probed: bool,
}

impl Trainer {
    /// Allocates everything and draws the initial parameters.
    ///
    /// # Errors
    /// A specification outside its ranges or beyond the device's limits, [`Error::Memory`] on a CPU that has not enough
    /// of it, or a device that fails.
    pub fn new(compute: &Compute, spec: TrainingSpec) -> Result<Self, Error> {
        let program = Program::new(&spec)?;
        let executor: Box<dyn Executor> = match compute {
            Compute::Cpu => {
                let replicas = spec.replicas.len();
                let bytes = program.replica_bytes() * replicas as u64;
                memory::fit(|| describe(&spec, replicas), bytes)?;
                Box::new(CpuPlans::new(&program))
            }
            Compute::Gpu(gpu) => Box::new(GpuPlans::new(gpu.clone(), &program)?),
        };
        Ok(Self {
            spec,
            persistent: persistent_buffers(&program),
            buffers: program.buffers,
            executor,
            updates: 0,
            has_probed: false,
        })
    }

    /// The specification that the trainer was made with.
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
        let mut steps = steps;
        if std::mem::take(&mut self.has_probed) {
            let updates = self.updates;
            self.run(Work::StepAfterProbe { updates })?;
            steps -= 1;
        }
        let updates = self.updates;
        self.run(Work::Steps { updates, steps })
    }

    /// Trains for `updates` steps on the minibatches that [`Self::write_batch`] loaded.
    ///
    /// # Errors
    /// A device that fails.
    pub fn update(&mut self, updates: u32) -> Result<(), Error> {
        self.has_probed = false;
        let (updates, count) = (self.updates, updates);
        self.run(Work::Updates { updates, count })
    }

    /// Computes the logits of every replica's loaded minibatch: the one that [`Self::write_batch`] loaded, or the one of
    /// the latest step or probe on the task stream. The result is `[replica]`, each `[batch, classes]` row by row.
    ///
    /// The pass overwrites the activations of the hidden layers and the logits, which every step and every probe writes
    /// before it reads them. Training goes on as if there had been none.
    ///
    /// # Errors
    /// A device that fails.
    pub fn forward(&mut self) -> Result<Vec<Vec<f32>>, Error> {
        self.run(Work::Forward)?;
        self.ask(decode::logits(&self.spec, &self.buffers))
    }

    /// Probes the next minibatch (the stream's, or the one that [`Self::write_batch`] loaded) before its update:
    /// statistics and curvature, one entry per replica. Training goes on as if there had been no probe.
    ///
    /// # Errors
    /// [`Error::NoProbe`] without [`TrainingSpec::probe`], or a device that fails.
    pub fn probe(&mut self) -> Result<Vec<Result<ProbeStats, NotFinite>>, Error> {
        let probe = self.spec.probe.ok_or(Error::NoProbe)?;
        self.run(Work::ProbeBegin)?;
        self.run(Work::ProbeIterations(1..probe.iterations))?;
        self.run(Work::ProbeEnd)?;
        let stats = self.ask(decode::probe(&self.spec, &self.buffers)?)?;
        self.has_probed = true;
        Ok(stats)
    }

    /// Takes what regularisers and interventions need of all replicas' current parameters: see
    /// [`crate::Engine::encode_store_reference`]. [`Self::new`] has taken it of those that it drew.
    ///
    /// # Errors
    /// A device that fails.
    pub fn store_reference(&mut self) -> Result<(), Error> {
        self.has_probed = false;
        self.run(Work::StoreReference)
    }

    /// Computes other indicators of lost trainability from the minibatch of the latest probe, one entry per replica. It
    /// follows [`Self::probe`] directly: training steps overwrite what the probe left.
    ///
    /// A replica that is not finite has an error of its own.
    ///
    /// # Errors
    /// [`Error::NoProbe`] without [`TrainingSpec::probe`]; [`Error::Invalid`] where something was trained, loaded or
    /// restored since the latest probe; a device that fails.
    pub fn indicators(&mut self) -> Result<Vec<Result<Indicators, Error>>, Error> {
        if self.spec.probe.is_some() && !self.has_probed {
            let wanted = "a probe, and nothing trained, loaded or restored since";
            return Err(Error::invalid("indicators", wanted, "none"));
        }
        self.ask(decode::indicators(&self.spec, &self.buffers)?)
    }

    /// Loads one replica's minibatch: `inputs` `[batch, inputs]`, `labels` `[batch]`.
    ///
    /// # Errors
    /// A replica, length or label out of range; a stream whose loss is squared error.
    pub fn write_batch(
        &mut self,
        replica: usize,
        inputs: &[f32],
        labels: &[u32],
    ) -> Result<(), Error> {
        self.has_probed = false;
        self.spec.check_replica(replica)?;
        let (inputs, labels) = self.spec.pack_batch(inputs, labels)?;
        let inputs_id = self.buffers.activations[0];
        self.executor.write(inputs_id, replica, cast_slice(&inputs));
        self.executor.write(self.buffers.labels, replica, &labels);
        Ok(())
    }

    /// Sets one replica's parameters. The optimiser's moments stay, and so do the parameters that
    /// regularisers pull towards: see [`Self::store_reference`].
    ///
    /// # Errors
    /// A replica or a shape out of range.
    pub fn write_parameters(
        &mut self,
        replica: usize,
        parameters: &[Vec<f32>],
    ) -> Result<(), Error> {
        self.has_probed = false;
        self.spec.check_replica(replica)?;
        let stored = self.spec.network.pack(parameters)?;
        let id = self.buffers.parameters;
        self.executor.write(id, replica, cast_slice(&stored));
        Ok(())
    }

    /// Sets one replica's step size of every block.
    ///
    /// The next probe reports effective step sizes and norms of updates as if the latest update had been done with these. So
    /// set them between a probe and the step after it, as schedulers do.
    ///
    /// # Errors
    /// A replica out of range, a number of step sizes that is not the number of blocks, or a step size that is negative or
    /// not finite.
    pub fn set_step_sizes(&mut self, replica: usize, step_sizes: &[f32]) -> Result<(), Error> {
        self.spec.check_replica(replica)?;
        let placed = self.spec.placed_step_sizes(step_sizes)?;
        let id = self.buffers.layer_controls;
        for (place, step_size) in placed {
            let words = cast_slice(step_size);
            self.executor.write_at(id, replica, place, words);
        }
        Ok(())
    }

    /// Waits for the training so far and says where every replica stands.
    ///
    /// # Errors
    /// A device that fails.
    pub fn progress(&mut self) -> Result<Vec<ReplicaProgress>, Error> {
        self.ask(decode::progress(&self.spec, &self.buffers))
    }

    /// Every replica's parameters in PyTorch's layout: `[replica][tensor][element]`.
    ///
    /// # Errors
    /// A device that fails.
    pub fn parameters(&mut self) -> Result<Vec<Parameters>, Error> {
        self.ask(decode::parameters(&self.spec, self.buffers.parameters))
    }

    /// Every replica's latest gradients, those of the latest step or probe: `[replica][tensor][element]`. They are gradients of the
    /// loss and, where a replica uses them, of L2-init, spectral regularisation and the Wasserstein regulariser. The coupled
    /// L2 term is not in them: the optimiser adds it by itself.
    ///
    /// # Errors
    /// A device that fails.
    pub fn gradients(&mut self) -> Result<Vec<Parameters>, Error> {
        self.ask(decode::parameters(&self.spec, self.buffers.gradients))
    }

    /// The longest time that a submission took so far; `None` on the CPU. Submissions are cut to 50 ms, as far as single
    /// dispatches are not longer.
    pub fn longest_submission(&self) -> Option<Duration> {
        self.executor.longest_submission()
    }

    /// Copies everything that training and probes depend on, of all replicas, as it stands now.
    ///
    /// # Errors
    /// A device that fails.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        self.ask(decode::snapshot(&self.persistent))
    }

    /// Takes a snapshot back: training goes on as it would have from there, with the same bits where the snapshot was taken
    /// on the same device.
    ///
    /// # Errors
    /// A snapshot of another specification, or one that no training leaves: see [`crate::Engine::restore`].
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.has_probed = false;
        let updates = snapshot.check(&self.persistent, &self.spec, &self.buffers)?;
        let replicas = self.spec.replicas.len();
        for (own, words) in self.persistent.iter().zip(snapshot.words()) {
            let parts = words.chunks(own.words / replicas).enumerate();
            parts.for_each(|(replica, words)| self.executor.write(own.id, replica, words));
        }
        self.updates = updates;
        Ok(())
    }

    /// Does `work` and counts its updates.
    fn run(&mut self, work: Work) -> Result<(), Error> {
        let updates = work.new_updates();
        self.executor.run(work)?;
        self.updates += updates;
        Ok(())
    }

    /// Waits for the training so far and answers a question to its buffers.
    fn ask<T>(&mut self, question: Question<T>) -> Result<T, Error> {
        let Question { buffers, decode } = question;
        let (mut decode, mut answer) = (Some(decode), None);
        self.executor.read(&buffers, &mut |words| {
            answer = decode.take().map(|decode| decode(words));
        })?;
        Ok(answer.expect("an executor hands the words over once"))
    }
}
