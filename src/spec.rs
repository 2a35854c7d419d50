//! The specification of a training: a network, its replicas, the stream of tasks and how probes measure.

use std::mem::offset_of;

use bytemuck::Zeroable;

use crate::error::Error;
use crate::network::{Network, Value, ValueId};
use crate::state::LayerControl;
use crate::tasks::TaskLengths;

mod clipping;
mod intervention;
mod loss;
pub mod optimiser;
mod probe;
mod replica;
mod stream;

pub use crate::data::ImageSet;
pub use clipping::UpdateClipping;
pub use intervention::Intervention;
pub use loss::Loss;
pub use optimiser::Optimiser;
pub use probe::{CONVERGED_RESIDUAL, IterateForm, ProbeMethod, ProbeSpec, ProbeStart};
pub(crate) use replica::check_step_size;
pub use replica::{ReplicaSpec, TaskSwitch};
pub use stream::{StreamKind, TaskStream};

/// The largest number of replicas in one batch: WebGPU allows no more workgroups along an axis.
pub(crate) const MOST_REPLICAS: usize = 65_535;

/// Everything that is fixed when an engine is made.
#[derive(Clone, Debug)]
pub struct TrainingSpec {
    /// The shape that all replicas share.
    pub network: Network,
    /// Samples in a minibatch.
    pub batch: u32,
    /// One entry per replica.
    pub replicas: Vec<ReplicaSpec>,
    /// The source of minibatches; without a stream, the host provides them.
    pub stream: Option<TaskStream>,
    /// The settings of probes; without them, no buffers of probes are allocated.
    pub probe: Option<ProbeSpec>,
}

impl TrainingSpec {
    /// Checks every number of the specification.
    ///
    /// # Errors
    /// [`Error::Invalid`] for the first number outside its range.
    pub fn check(&self) -> Result<(), Error> {
        if !(1..=1 << 24).contains(&self.batch) {
            return Err(Error::invalid("batch", "1 to 16,777,216", self.batch));
        }
        if !(1..=MOST_REPLICAS).contains(&self.replicas.len()) {
            return Err(Error::invalid(
                "number of replicas",
                "1 to 65,535",
                self.replicas.len(),
            ));
        }
        self.check_values()?;
        self.replicas.iter().try_for_each(ReplicaSpec::check)?;
        intervention::check_renewal(&self.replicas, &self.network)?;
        self.probe.iter().try_for_each(ProbeSpec::check)?;
        match &self.stream {
            Some(stream) => stream.check(self),
            None => Ok(()),
        }
    }

    /// Checks that kernels can count the elements of every value: those of all slots of a probe, where there is one.
    fn check_values(&self) -> Result<(), Error> {
        let slots = match self.probe {
            Some(_) => self.network.blocks().len() as u64 + 1,
            None => 1,
        };
        let elements = |value: &Value| {
            let rows = u64::from(self.batch_rows()) * u64::from(value.positions());
            (rows * slots).saturating_mul(value.columns().into())
        };
        match self.network.values().iter().map(elements).max() {
            Some(found) if found > u64::from(u32::MAX) => {
                let wanted = "fewer than 2^32 elements of one replica in every value";
                Err(Error::invalid("batch and network", wanted, found))
            }
            _ => Ok(()),
        }
    }

    /// The largest number of second moments that a replica keeps, at least 1.
    pub(crate) fn second_moments(&self) -> u32 {
        let replicas = self.replicas.iter();
        let kept = replicas.map(|replica| replica.optimiser.second_moment_names().len() as u32);
        kept.fold(1, u32::max)
    }

    /// Whether some replica works on weight matrices as matrices.
    pub(crate) fn works_on_matrices(&self) -> bool {
        self.replicas.iter().any(ReplicaSpec::works_on_matrices)
    }

    /// Whether some replica multiplies weight matrices.
    pub(crate) fn multiplies_matrices(&self) -> bool {
        self.replicas.iter().any(ReplicaSpec::multiplies_matrices)
    }

    /// The loss: that of the stream, and cross-entropy without one.
    pub fn loss(&self) -> Loss {
        let stream = self.stream.as_ref();
        stream.map_or(Loss::CrossEntropy, |stream| stream.kind.loss())
    }

    /// The number of minibatches in an epoch; without a stream there is one endless epoch.
    pub(crate) fn batches_per_epoch(&self) -> u32 {
        self.stream
            .as_ref()
            .map_or(u32::MAX, |stream| stream.subset / self.batch)
    }

    /// The lengths of tasks; without a stream the task is endless.
    pub fn task_lengths(&self) -> TaskLengths {
        TaskLengths {
            mean: self.steps_per_task(),
            switch_seed: self.stream.as_ref().and_then(|stream| stream.switch_seed),
        }
    }

    /// The mean number of training steps in a task; without a stream the task is endless. [`Self::task_lengths`] has the
    /// number of each task.
    pub fn steps_per_task(&self) -> u64 {
        let epochs = self.stream.as_ref().map_or(1, |stream| stream.epochs);
        u64::from(self.batches_per_epoch()) * u64::from(epochs)
    }

    pub(crate) fn check_replica(&self, replica: usize) -> Result<(), Error> {
        if replica < self.replicas.len() {
            return Ok(());
        }
        let wanted = format!("below {}", self.replicas.len());
        Err(Error::invalid("replica", wanted, replica))
    }

    /// Converts a minibatch, `inputs` `[batch, inputs]` and `labels` `[batch]`, to its stored form.
    pub(crate) fn pack_batch(
        &self,
        inputs: &[f32],
        labels: &[u32],
    ) -> Result<(Vec<f32>, Vec<u32>), Error> {
        if self.loss() == Loss::SquaredError {
            let wanted = "a stream with labels";
            let found = "regression, whose targets the device computes";
            return Err(Error::invalid("minibatch of the host", wanted, found));
        }
        let (batch, width) = (self.batch as usize, self.network.inputs() as usize);
        Error::check_length("inputs of the minibatch", batch * width, inputs.len())?;
        Error::check_length("labels of the minibatch", batch, labels.len())?;
        if let Some(label) = labels
            .iter()
            .find(|label| **label >= self.network.classes())
        {
            let wanted = format!("below {}", self.network.classes());
            return Err(Error::invalid("label", wanted, label));
        }
        let rows = self.batch_rows() as usize;
        let mut stored = labels.to_vec();
        stored.resize(rows, 0);
        Ok((self.network.values()[0].pad(inputs, rows), stored))
    }

    /// The places of the step sizes in one replica's layer controls, in words, each with its step size.
    pub(crate) fn placed_step_sizes<'a>(
        &self,
        step_sizes: &'a [f32],
    ) -> Result<impl Iterator<Item = (usize, &'a [f32])>, Error> {
        let blocks = self.network.blocks().len();
        Error::check_length("step sizes", blocks, step_sizes.len())?;
        step_sizes
            .iter()
            .try_for_each(|step_size| check_step_size(*step_size))?;
        let place = |block| block * size_of::<LayerControl>() + offset_of!(LayerControl, step_size);
        let each = step_sizes.chunks(1).enumerate();
        Ok(each.map(move |(block, step_size)| (place(block) / 4, step_size)))
    }

    /// The layer control of a block with this step size, before the first update. Its weights are the first tensor, its
    /// biases the others.
    pub(crate) fn layer_control(&self, block: usize, step_size: f32) -> LayerControl {
        let tensors = self.network.block_tensors(block);
        let first = tensors[0].stored();
        let end = tensors[tensors.len() - 1].stored().end;
        let main = tensors[0].count();
        let mut matrices = self.network.weight_matrices();
        let matrix = matrices.find(|matrix| matrix.name == tensors[0].name);
        LayerControl {
            start: first.start as u32 / 4,
            main_end: first.end as u32 / 4,
            end: end as u32 / 4,
            main_count: main as u32,
            other_count: (self.network.block_parameters(block) - main) as u32,
            step_size,
            inputs: matrix.map_or(0, |matrix| matrix.layout.inputs),
            ..LayerControl::zeroed()
        }
    }

    /// The number of rows of a value, without padding: the positions of every sample of the minibatch.
    pub(crate) fn rows(&self, value: ValueId) -> u32 {
        self.batch * self.network.value(value).positions()
    }

    /// The number of stored rows of a value.
    pub(crate) fn stored_rows(&self, value: ValueId) -> u32 {
        self.batch_rows() * self.network.value(value).positions()
    }

    /// The number of stored samples of a minibatch: kernels work on eight at a time.
    pub(crate) fn batch_rows(&self) -> u32 {
        self.batch.next_multiple_of(8)
    }
}
