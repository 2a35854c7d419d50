//! The results of a probe: statistics and curvature of each layer and of the whole network.
//! [`ProbeSpec`] says how they are measured.

use crate::spec::TrainingSpec;
use crate::state::{LayerRecord, ProbeSlot, ReplicaState, SLOT_DIVERGED};

pub use crate::error::NotFinite;
pub use crate::spec::{CONVERGED_RESIDUAL, IterateForm, ProbeMethod, ProbeSpec, ProbeStart};

/// The dominant eigenvalue of a Hessian, from exact Hessian-vector products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpness {
    /// Rayleigh quotient, with its sign: negative where the dominant curvature is.
    pub eigenvalue: f64,
    /// |Hv - lambda v| / (|lambda| |v|). Some eigenvalue lies within `residual * |eigenvalue|` of
    /// this one.
    pub residual: f64,
    /// Hessian-vector products used.
    pub iterations: u32,
    /// Whether the residual is at most the tolerance ([`CONVERGED_RESIDUAL`] where that is 0).
    pub converged: bool,
}

/// One layer's statistics (weights and bias together), or the whole network's. The loss is the mean
/// cross-entropy of the minibatch, without regularisers, unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerStats {
    /// Trainable parameters.
    pub parameters: usize,
    /// |g|^2 of the mean gradient g.
    pub grad_norm_sq: f64,
    /// |g + l2 theta + those of the other regularisers|^2: the gradient that the optimiser sees.
    pub objective_grad_norm_sq: f64,
    /// Within-batch gradient variance (1/B) sum_i |g_i - g|^2, over per-sample gradients g_i.
    pub grad_variance: f64,
    /// Dominant eigenvalue of the Hessian's diagonal block (of all of it for the network); `None`
    /// where a Hessian-vector product was not finite.
    pub sharpness: Option<Sharpness>,
    /// The layer's step size eta; for the network its mean over weights.
    pub step_size: f64,
    /// eta / ((1 - beta1^t) (sqrt(mean(v) / (1 - beta2^t)) + epsilon)), v Adam's second moment over
    /// the weight matrix (all of them for the network), t the updates done; `None` before the first
    /// and where a task switch reset the optimiser (t counts from there). For SGD
    /// eta (1 - momentum^t) / (1 - momentum): what a constant gradient is multiplied by.
    pub effective_step: Option<f64>,
    /// |theta|, the bias included.
    pub weight_norm: f64,
    /// |theta - theta before the latest update|; 0 where `effective_step` is `None`.
    pub update_norm: f64,
    /// Mean of Adam's second moment v over all parameters, the bias included, without bias correction:
    /// the published code divides the step size by its root over the whole network. 0 for SGD.
    pub second_moment: f64,
}

impl LayerStats {
    /// The gradient-noise bound B |g|^2 / S on the effective step, S the gradient variance: infinite
    /// where all samples agree.
    pub fn noise_bound(&self, batch: u32) -> f64 {
        f64::from(batch) * self.grad_norm_sq / self.grad_variance
    }
}

/// What one replica's probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeStats {
    /// The task that the probed minibatch belongs to.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// Mean cross-entropy of the minibatch.
    pub loss: f64,
    /// Share of the minibatch classified rightly.
    pub accuracy: f64,
    /// One entry per layer.
    pub layers: Vec<LayerStats>,
    /// All layers together.
    pub network: LayerStats,
}

impl ProbeStats {
    /// One replica's probe as the device leaves it: `slots` has the network's first, `records` last.
    pub(crate) fn new(
        spec: &TrainingSpec,
        probe: &ProbeSpec,
        state: &ReplicaState,
        slots: &[ProbeSlot],
        records: &[LayerRecord],
    ) -> Result<Self, NotFinite> {
        check_finite(state, records)?;
        let (task, update) = (state.task, state.updates);
        let updated = state.optimiser_updates > 0;
        let stats =
            |parameters, slot, record| LayerStats::new(probe, parameters, slot, record, updated);
        let blocks = spec.network.layers().iter().zip(&slots[1..]).zip(records);
        Ok(Self {
            task,
            update,
            loss: state.batch_loss.into(),
            accuracy: f64::from(state.batch_correct) / f64::from(spec.batch),
            layers: blocks
                .map(|((layer, slot), record)| stats(layer.parameters(), slot, record))
                .collect(),
            network: stats(
                spec.network.parameter_count(),
                &slots[0],
                &records[records.len() - 1],
            ),
        })
    }
}

/// Fails unless everything that a probe found of a replica is finite.
pub(crate) fn check_finite(state: &ReplicaState, records: &[LayerRecord]) -> Result<(), NotFinite> {
    if state.batch_loss.is_finite() && records.iter().all(is_finite) {
        return Ok(());
    }
    Err(NotFinite {
        task: state.task,
        update: state.updates,
    })
}

fn is_finite(record: &LayerRecord) -> bool {
    bytemuck::cast_ref::<LayerRecord, [f32; 8]>(record)
        .iter()
        .all(|number| number.is_finite())
}

impl LayerStats {
    fn new(
        probe: &ProbeSpec,
        parameters: usize,
        slot: &ProbeSlot,
        record: &LayerRecord,
        updated: bool,
    ) -> Self {
        let residual = f64::from(slot.residual);
        let sharpness = Sharpness {
            eigenvalue: slot.eigenvalue.into(),
            residual,
            iterations: slot.iterations,
            converged: residual <= probe.converged_residual(),
        };
        Self {
            parameters,
            grad_norm_sq: record.grad_norm_sq.into(),
            objective_grad_norm_sq: record.objective_grad_norm_sq.into(),
            grad_variance: record.grad_variance.into(),
            sharpness: (slot.status != SLOT_DIVERGED).then_some(sharpness),
            step_size: record.step_size.into(),
            effective_step: updated.then_some(record.effective_step.into()),
            weight_norm: record.weight_norm.into(),
            update_norm: record.update_norm.into(),
            second_moment: record.second_moment.into(),
        }
    }
}
