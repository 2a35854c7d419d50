//! The specification of a training: a network, its replicas, the stream of tasks and how probes measure.

use std::mem::offset_of;

use bytemuck::Zeroable;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::network::{Network, Value, ValueId};
use crate::state::{
    LayerControl, RenewalSettings, ReplicaConfig, SWITCH_CARRY, SWITCH_FRESH_NETWORK,
    SWITCH_RELATIVE_TIME, SWITCH_RESET_OPTIMISER,
};
use crate::tasks::TaskLengths;

mod clipping;
mod intervention;
mod loss;
pub mod optimiser;
mod probe;
mod stream;

pub use crate::data::ImageSet;
pub use clipping::UpdateClipping;
pub use intervention::Intervention;
pub use loss::Loss;
pub use optimiser::Optimiser;
pub use probe::{CONVERGED_RESIDUAL, IterateForm, ProbeMethod, ProbeSpec, ProbeStart};
pub use stream::{StreamKind, TaskStream};

/// The reset of a replica at a task switch, after the last training step of a task of the stream. Updates on
/// minibatches that the host provides reset nothing. The step sizes and the scores always stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TaskSwitch {
    /// Everything carries over, as in the paper (arXiv 2509.19698).
    #[default]
    Carry,
    /// The optimiser's moments or buffer become zero, and the bias corrections start anew.
    ResetOptimiser,
    /// The optimiser is reset and the parameters are drawn anew: weights by the same rule as the initial ones but
    /// unrelated to them, biases zero. This is the baseline of a network without earlier training. Regularisers that
    /// pull towards the initial parameters go on pulling towards those of task 0.
    FreshNetwork,
    /// Adam-Rel (Ellis et al., arXiv 2412.17113): only the update count of the bias corrections starts anew. The moments
    /// and the state of update clipping stay. The first update has the moments of the old task with the corrections of a
    /// first update. A probe between the switch and the first update reports no effective step.
    RelativeTime,
}

impl TaskSwitch {
    fn number(self) -> u32 {
        match self {
            Self::Carry => SWITCH_CARRY,
            Self::ResetOptimiser => SWITCH_RESET_OPTIMISER,
            Self::FreshNetwork => SWITCH_FRESH_NETWORK,
            Self::RelativeTime => SWITCH_RELATIVE_TIME,
        }
    }
}

/// One replica: a seed and a configuration. All replicas of a batch share the network's shape and
/// train in the same dispatches.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaSpec {
    /// The seed of initial weights, images, labels and orders. Replicas with equal seeds see equal streams.
    pub seed: u32,
    /// The step size, the same for every layer at the start.
    pub step_size: f32,
    /// Coupled L2: the gradient gains `l2 * theta`, biases included.
    pub l2: f32,
    /// The optimiser that makes an update of the gradient.
    pub optimiser: Optimiser,
    /// The clipping of updates, by layer and at every update; none where it is `None`.
    pub update_clipping: Option<UpdateClipping>,
    /// The largest norm of the replica's gradient, over all parameters and with every regulariser, L2 included. A larger
    /// gradient is multiplied by `gradient_clipping / (norm + 1e-6)` before the optimiser sees it, as PyTorch's
    /// `clip_grad_norm_` does; none where it is `None`.
    pub gradient_clipping: Option<f32>,
    /// The reset at a task switch of the stream.
    pub at_task_switch: TaskSwitch,
    /// L2 towards the initial parameters: the loss gains `l2_init / 2 * |theta - theta_init|^2`, biases included, and
    /// the gradient `l2_init * (theta - theta_init)`. Kumar, Marklund and Van Roy (arXiv 2308.11958) have no factor
    /// 1/2: their coefficient is half of this one.
    pub l2_init: f32,
    /// Wasserstein regulariser: the loss gains `wasserstein * sum_i (sort(p)_i - sort(p_init)_i)^2` for every weight
    /// matrix and every bias p (Lewandowski et al., arXiv 2312.00246), so the element of rank i gains the gradient
    /// `2 * wasserstein * (p - sort(p_init)_i)`. The penalty is not differentiable where elements are equal. We take the
    /// (Clarke) subgradient that ranks equal elements in their stored order, by input and then by output.
    pub wasserstein: f32,
    /// Spectral regularisation: the loss gains `spectral * sum_l (sigma_max(W_l)^k - 1)^2` with k = 2,
    /// over all weight matrices (Lewandowski et al., arXiv 2406.06811). The gradient of W is
    /// `4 * spectral * (sigma^2 - 1) * sigma * u v^T`. One power iteration at each step gives sigma, u and v; it starts from
    /// the u of the step before, and the first from a random vector. Probes do not advance it. Biases, gains and
    /// embeddings are not regularised.
    pub spectral: f32,
    /// The changes of parameters besides the optimiser's updates.
    pub interventions: Vec<Intervention>,
}

impl Default for ReplicaSpec {
    /// Seed 0, Adam(1e-3, 0.9, 0.999, 1e-8), no regulariser, nothing reset at task switches.
    fn default() -> Self {
        Self {
            seed: 0,
            step_size: 1e-3,
            l2: 0.0,
            optimiser: Optimiser::default(),
            update_clipping: None,
            gradient_clipping: None,
            at_task_switch: TaskSwitch::default(),
            l2_init: 0.0,
            wasserstein: 0.0,
            spectral: 0.0,
            interventions: Vec::new(),
        }
    }
}

impl ReplicaSpec {
    fn check(&self) -> Result<(), Error> {
        let in_range = |what, wanted, value: f32, ok: bool| {
            if ok && value.is_finite() {
                Ok(())
            } else {
                Err(Error::invalid(what, wanted, value))
            }
        };
        check_step_size(self.step_size)?;
        in_range("l2", "0 or more, finite", self.l2, self.l2 >= 0.0)?;
        self.optimiser.check()?;
        intervention::check(&self.interventions)?;
        self.check_fire()?;
        if let Some(clipping) = &self.update_clipping {
            clipping.check()?;
        }
        if let Some(limit) = self.gradient_clipping {
            clipping::check_positive("gradient_clipping", limit)?;
        }
        let regularisers = [
            ("l2_init", self.l2_init),
            ("wasserstein", self.wasserstein),
            ("spectral", self.spectral),
        ];
        regularisers
            .into_iter()
            .try_for_each(|(what, value)| in_range(what, "0 or more, finite", value, value >= 0.0))
    }

    /// The settings of the method that renews units.
    pub(crate) fn renewal(&self) -> Option<RenewalSettings> {
        intervention::renewal(&self.interventions)
    }

    /// Refuses FIRE where a task begins with a fresh network, of which it would keep nothing that was learned.
    fn check_fire(&self) -> Result<(), Error> {
        let is_fire = |own: &Intervention| matches!(own, Intervention::Fire { .. });
        let is_fresh = self.at_task_switch == TaskSwitch::FreshNetwork;
        if is_fresh && self.interventions.iter().any(is_fire) {
            let wanted =
                "no fire, which keeps what was learned, beside a fresh network at a task switch";
            return Err(Error::invalid("interventions", wanted, "fire"));
        }
        Ok(())
    }

    /// Whether a step needs the norm of the replica's gradient.
    pub(crate) fn is_clipped(&self) -> bool {
        self.update_clipping.is_some() || self.gradient_clipping.is_some()
    }

    /// Whether the replica works on weight matrices as matrices.
    fn works_on_matrices(&self) -> bool {
        let mut interventions = self.interventions.iter();
        self.spectral != 0.0
            || self.optimiser.multiplies_matrices()
            || interventions.any(Intervention::works_on_matrices)
    }

    /// Whether the replica multiplies weight matrices.
    fn multiplies_matrices(&self) -> bool {
        let mut interventions = self.interventions.iter();
        self.optimiser.multiplies_matrices() || interventions.any(Intervention::multiplies_matrices)
    }

    pub(crate) fn config(&self) -> ReplicaConfig {
        let config = ReplicaConfig {
            seed: self.seed,
            l2: self.l2,
            l2_init: self.l2_init,
            wasserstein: self.wasserstein,
            spectral: self.spectral,
            at_task_switch: self.at_task_switch.number(),
            gradient_limit: self.gradient_clipping.unwrap_or(0.0),
            ..self.optimiser.config()
        };
        match &self.update_clipping {
            Some(clipping) => clipping.set(config, self.optimiser),
            None => config,
        }
    }
}

/// Fails unless `step_size` is finite and not negative.
pub(crate) fn check_step_size(step_size: f32) -> Result<(), Error> {
    if step_size.is_finite() && step_size >= 0.0 {
        return Ok(());
    }
    Err(Error::invalid("step size", "0 or more, finite", step_size))
}

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
