//! Words on their way to the device and back.

use bytemuck::cast_slice;

use super::Engine;
use crate::decode::{self, Question};
use crate::error::{Error, NotFinite};
use crate::executor::by_replica;
use crate::gpu::Readback;
use crate::indicators::Indicators;
use crate::network::Parameters;
use crate::plan::BufferId;
use crate::probe::ProbeStats;
use crate::progress::ReplicaProgress;
use crate::snapshot::Snapshot;

impl Engine {
    /// Loads a minibatch of one replica before the queue's next submission: `inputs` `[batch, inputs]`, `labels` `[batch]`.
    ///
    /// # Errors
    /// A replica, length or label out of range; a stream whose loss is squared error.
    pub fn write_batch(
        &self,
        queue: &wgpu::Queue,
        replica: usize,
        inputs: &[f32],
        labels: &[u32],
    ) -> Result<(), Error> {
        let (inputs, labels) = self.spec.pack_batch(inputs, labels)?;
        self.write(queue, self.buffers.activations[0], replica, &inputs)?;
        self.write(queue, self.buffers.labels, replica, &labels)
    }

    /// Sets one replica's parameters before the queue's next submission. The optimiser's moments stay, and so do the
    /// parameters that regularisers pull towards: see [`Self::encode_store_reference`].
    ///
    /// # Errors
    /// A replica or a shape out of range.
    pub fn write_parameters(
        &mut self,
        queue: &wgpu::Queue,
        replica: usize,
        parameters: &[Vec<f32>],
    ) -> Result<(), Error> {
        let stored = self.spec.network.pack(parameters)?;
        self.write(queue, self.buffers.parameters, replica, &stored)?;
        self.has_parameters[replica] = true;
        Ok(())
    }

    /// Sets one replica's step size of every block before the queue's next submission.
    ///
    /// The next probe reports effective step sizes and norms of updates as if the latest update had been done with these. So
    /// set them between a probe and the step after it, as schedulers do.
    ///
    /// # Errors
    /// A replica out of range, a number of step sizes that is not the number of blocks, or a step size that is negative or
    /// not finite.
    pub fn set_step_sizes(
        &self,
        queue: &wgpu::Queue,
        replica: usize,
        step_sizes: &[f32],
    ) -> Result<(), Error> {
        let placed = self.spec.placed_step_sizes(step_sizes)?;
        self.spec.check_replica(replica)?;
        let id = self.buffers.layer_controls;
        for (place, step_size) in placed {
            let words = cast_slice(step_size);
            self.program.write(queue, id, replica, place, words);
        }
        Ok(())
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
        self.program
            .write(queue, id, replica, 0, cast_slice(values));
        Ok(())
    }

    /// Takes a snapshot back before the queue's next submission: training goes on as it would have from
    /// there, with the same bits.
    ///
    /// # Errors
    /// A snapshot of an engine of another specification, by the names and lengths of its buffers, or one whose
    /// counts, places and step sizes no training leaves: [`Error::Invalid`] or [`Error::Length`]. Nothing has changed
    /// then.
    pub fn restore(&mut self, queue: &wgpu::Queue, snapshot: &Snapshot) -> Result<(), Error> {
        let updates = snapshot.check(&self.persistent, &self.spec, &self.buffers)?;
        for (own, words) in self.persistent.iter().zip(snapshot.words()) {
            queue.write_buffer(self.buffer(own.id), 0, cast_slice(words));
        }
        self.has_parameters.fill(true);
        self.has_reference = true;
        self.updates = updates;
        Ok(())
    }

    /// Records a copy of everything that training and probes depend on, of all replicas. It includes the step sizes that
    /// [`Self::set_step_sizes`] has set.
    pub fn encode_snapshot(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Snapshot> {
        self.ask(device, encoder, decode::snapshot(&self.persistent))
    }

    /// Records a copy of every replica's standing and scores.
    pub fn encode_progress(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<ReplicaProgress>> {
        self.ask(device, encoder, decode::progress(&self.spec, &self.buffers))
    }

    /// Records a copy of every replica's parameters, which are in PyTorch's layout once they are read: `[replica][tensor][element]`.
    pub fn encode_parameters(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<Parameters>> {
        let question = decode::parameters(&self.spec, self.buffers.parameters);
        self.ask(device, encoder, question)
    }

    /// Records a copy of every replica's latest gradients, those of the latest step or probe: `[replica][tensor][element]`. They are
    /// gradients of the loss and, where a replica uses them, of L2-init, spectral regularisation and the Wasserstein
    /// regulariser. The coupled L2 term is not in them: the optimiser adds it by itself.
    pub fn encode_gradients(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<Parameters>> {
        let question = decode::parameters(&self.spec, self.buffers.gradients);
        self.ask(device, encoder, question)
    }

    /// Records a copy of every replica's logits from the latest forward pass ([`Self::encode_forward`], a step or a probe):
    /// `[replica]`, each `[batch, classes]` row by row, without padding. They are zero before the first.
    pub fn encode_logits(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Readback<Vec<Vec<f32>>> {
        self.ask(device, encoder, decode::logits(&self.spec, &self.buffers))
    }

    /// Records a copy of the latest probe's results, one per replica.
    ///
    /// # Errors
    /// [`Error::NoProbe`]
    pub fn encode_probe_stats(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<Readback<Vec<Result<ProbeStats, NotFinite>>>, Error> {
        let question = decode::probe(&self.spec, &self.buffers)?;
        Ok(self.ask(device, encoder, question))
    }

    /// Records a copy of the latest probe's pass over its minibatch. Once it is read, the indicators of every replica are
    /// computed from it, in parallel. Record it right after a probe: training steps overwrite the pass with their own.
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
        let question = decode::indicators(&self.spec, &self.buffers)?;
        Ok(self.ask(device, encoder, question))
    }

    /// Records copies of the buffers that a question is about.
    fn ask<T: 'static>(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        question: Question<T>,
    ) -> Readback<T> {
        let Question { buffers, decode } = question;
        let sources: Vec<_> = buffers.iter().map(|id| self.buffer(*id)).collect();
        let replicas = self.spec.replicas.len();
        Readback::record(device, encoder, &sources, move |words| {
            decode(&by_replica(words, replicas))
        })
    }
}
