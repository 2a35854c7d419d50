//! Initialisation, training steps and the forward pass.

use super::Engine;
use crate::error::Error;
use crate::executor::Work;

impl Engine {
    /// Records the drawing of initial parameters: Kaiming uniform, from each replica's seed. Regularisers pull towards the
    /// same parameters, and the optimiser's moments are zero.
    ///
    /// It is for a fresh engine. Counts of updates and tasks, halted replicas, and what update clipping and interventions
    /// remember, stay as they are. To begin anew later, restore a snapshot that was taken right after it.
    pub fn encode_initialise(&mut self, encoder: &mut wgpu::CommandEncoder) {
        self.record(encoder, Work::Initialise)
            .expect("every program has this plan, which reads nothing");
        self.has_parameters.fill(true);
        self.has_reference = true;
    }

    /// Records what regularisers and interventions need of all replicas' current parameters: a copy for L2-init and the
    /// Wasserstein regulariser, new start vectors for spectral regularisation, and the norms to which matrices are
    /// projected. It is for parameters that [`Self::write_parameters`], or a kernel of the caller's, has set. It does
    /// nothing where no replica uses any of them.
    ///
    /// # Errors
    /// [`Error::NoParameters`]
    pub fn encode_store_reference(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<(), Error> {
        self.record(encoder, Work::StoreReference)?;
        self.has_reference = true;
        Ok(())
    }

    /// Records `steps` training steps on the task stream. Tasks switch by themselves: the engine counts the updates that
    /// it records, and records what is due when a task begins. So submit every encoder once, in the order of recording.
    ///
    /// # Errors
    /// [`Error::NoTaskStream`]; [`Error::NoParameters`] before [`Self::encode_initialise`] or
    /// [`Self::write_parameters`] for every replica; [`Error::NoReferenceParameters`] where regularisers or projections have
    /// nothing to refer to.
    pub fn encode_steps(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        steps: u32,
    ) -> Result<(), Error> {
        let updates = self.updates;
        self.record_updates(encoder, Work::Steps { updates, steps })
    }

    /// Records the same as [`Self::encode_steps`] into a compute pass that the caller has opened: with timestamps or a
    /// label of its own, or among other dispatches. Every dispatch is in a debug group with the name of its kernel.
    ///
    /// # Errors
    /// The errors of [`Self::encode_steps`].
    pub fn encode_steps_in(
        &mut self,
        pass: &mut wgpu::ComputePass<'_>,
        steps: u32,
    ) -> Result<(), Error> {
        let updates = self.updates;
        self.record_updates(pass, Work::Steps { updates, steps })
    }

    /// Records one step for callers who have just recorded a probe. The step is the one that [`Self::encode_steps`] would
    /// record, to the bit, but it takes over the probe's gradients and so spares a forward and a backward pass. Between the
    /// probe and this step the caller may write step sizes and record [`Self::encode_forward`], and nothing else.
    ///
    /// # Errors
    /// The errors of [`Self::encode_steps`]; [`Error::NoProbe`]
    pub fn encode_step_after_probe(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<(), Error> {
        let updates = self.updates;
        self.record_updates(encoder, Work::StepAfterProbe { updates })
    }

    /// Records the same as [`Self::encode_step_after_probe`] into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// The errors of [`Self::encode_step_after_probe`].
    pub fn encode_step_after_probe_in(
        &mut self,
        pass: &mut wgpu::ComputePass<'_>,
    ) -> Result<(), Error> {
        let updates = self.updates;
        self.record_updates(pass, Work::StepAfterProbe { updates })
    }

    /// Records `updates` training steps on the minibatch that [`Self::write_batch`] loaded.
    ///
    /// # Errors
    /// [`Error::NoParameters`] or [`Error::NoReferenceParameters`]
    pub fn encode_updates(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        updates: u32,
    ) -> Result<(), Error> {
        let (updates, count) = (self.updates, updates);
        self.record_updates(encoder, Work::Updates { updates, count })
    }

    /// Records the same as [`Self::encode_updates`] into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// The errors of [`Self::encode_updates`].
    pub fn encode_updates_in(
        &mut self,
        pass: &mut wgpu::ComputePass<'_>,
        updates: u32,
    ) -> Result<(), Error> {
        let (updates, count) = (self.updates, updates);
        self.record_updates(pass, Work::Updates { updates, count })
    }

    /// Records a forward pass of every replica on its loaded minibatch: the one that [`Self::write_batch`] loaded, or the
    /// one of the latest step or probe on the task stream. [`Self::encode_logits`] reads the result.
    ///
    /// The pass overwrites the activations of the hidden layers and the logits. Training is not disturbed: every step and
    /// every probe writes them before it reads them. Replicas that have diverged compute theirs too.
    ///
    /// # Errors
    /// [`Error::NoParameters`]
    pub fn encode_forward(&self, encoder: &mut wgpu::CommandEncoder) -> Result<(), Error> {
        self.record(encoder, Work::Forward)
    }

    /// Records the same as [`Self::encode_forward`] into a compute pass that the caller has opened.
    ///
    /// # Errors
    /// The errors of [`Self::encode_forward`].
    pub fn encode_forward_in(&self, pass: &mut wgpu::ComputePass<'_>) -> Result<(), Error> {
        self.record(pass, Work::Forward)
    }
}
