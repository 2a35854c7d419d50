//! The results of a probe: statistics and curvature of each layer and of the whole network.
//! [`ProbeSpec`] says how they are measured.

use crate::spec::TrainingSpec;
use crate::state::{LayerRecord, ProbeSlot, ReplicaState, SLOT_DIVERGED};

pub use crate::error::NotFinite;
pub use crate::spec::{CONVERGED_RESIDUAL, IterateForm, ProbeMethod, ProbeSpec, ProbeStart};

/// The dominant eigenvalue of a Hessian, computed from exact Hessian-vector products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpness {
    /// The Rayleigh quotient with its sign: negative where the dominant curvature is negative.
    pub eigenvalue: f64,
    /// |Hv - lambda v| / (|lambda| |v|). Some eigenvalue lies within `residual * |eigenvalue|` of
    /// this one.
    pub residual: f64,
    /// Hessian-vector products used.
    pub iterations: u32,
    /// Whether the residual is at most the tolerance, or at most [`CONVERGED_RESIDUAL`] where the tolerance is 0.
    pub converged: bool,
}

/// The statistics of one layer (weights and bias together) or of the whole network. The loss is that of
/// the minibatch, [`crate::spec::Loss`], without regularisers, unless a field says otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerStats {
    /// Trainable parameters.
    pub parameters: usize,
    /// |g|^2 of the mean gradient g.
    pub grad_norm_sq: f64,
    /// The squared norm of the gradient that the optimiser sees: g + l2 theta + the gradients of the other regularisers.
    pub objective_grad_norm_sq: f64,
    /// Within-batch gradient variance (1/B) sum_i |g_i - g|^2, over per-sample gradients g_i.
    pub grad_variance: f64,
    /// The dominant eigenvalue of the layer's diagonal block of the Hessian, or of the whole Hessian for the network;
    /// `None` where a Hessian-vector product was not finite.
    pub sharpness: Option<Sharpness>,
    /// The layer's step size eta; for the network the mean step size over weights.
    pub step_size: f64,
    /// The effective step size: for Adam eta / ((1 - beta1^t) (sqrt(mean(v) / (1 - beta2^t)) + epsilon)), where v is the
    /// second moment over the weight matrix (over all weight matrices for the network) and t the number of updates. For SGD
    /// eta (1 - momentum^t) / (1 - momentum), the factor of a constant gradient, and for UPGD eta. AMSGrad and AdamMax have
    /// for v the larger second moment, by which they divide. For Lion it is eta / sqrt(mean(c^2)), where c is the
    /// interpolation whose sign it takes, and 0 where all of c is. For Muon's weight matrices it is
    /// eta / sqrt(inputs mean((m / (1 - momentum^t))^2)), where m is the momentum. eta is the step size of the latest update: update
    /// clipping's factor is counted. Decoupled weight decay and gradient clipping are not. `None` before the first update,
    /// and before the first after a task switch that reset the optimiser; t counts from that switch.
    pub effective_step: Option<f64>,
    /// The norm |theta|, the bias included.
    pub weight_norm: f64,
    /// |theta - theta before the latest update|, decoupled weight decay included; 0 where `effective_step` is `None`.
    pub update_norm: f64,
    /// The mean of Adam's second moment v over all parameters, the bias included, without bias correction; 0 for SGD,
    /// mean(c^2) for Lion. The published code divides the step size by the root of the whole network's mean.
    pub second_moment: f64,
    /// h of update clipping in the latest update ([`crate::spec::UpdateClipping`]); `None` where the layer's updates are
    /// not clipped, before the first update, and for the network.
    pub clip_ratio: Option<f64>,
    /// The factor min(1, threshold / h) of the step size in the latest update; `None` where `clip_ratio` is.
    pub clip_factor: Option<f64>,
}

impl LayerStats {
    /// The gradient-noise bound B |g|^2 / S on the effective step, where S is the gradient variance. It is infinite where all
    /// samples have the same gradient.
    pub fn noise_bound(&self, batch: u32) -> f64 {
        noise_bound(batch.into(), self.grad_norm_sq, self.grad_variance)
    }
}

/// a_g = B g2 / S; infinite without variance, even where there is no gradient either.
pub(crate) fn noise_bound(batch: f64, g2: f64, s: f64) -> f64 {
    if s == 0.0 {
        return f64::INFINITY;
    }
    // Never -0, which 1 / a_g would make negative infinity.
    (batch * g2 / s).abs()
}

/// The result of one replica's probe.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeStats {
    /// The task that the probed minibatch belongs to.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// The loss of the minibatch: mean cross-entropy, or mean squared error for regression.
    pub loss: f64,
    /// The share of the minibatch that is classified correctly; for squared error `1 - loss`, 0 at least.
    pub accuracy: f64,
    /// The statistics of each layer.
    pub layers: Vec<LayerStats>,
    /// The statistics of all layers together.
    pub network: LayerStats,
}

impl ProbeStats {
    /// Decodes one replica's probe. The network's entry is the first of `slots` and the last of `records`.
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
        let stats = |parameters, slot, record: &LayerRecord| {
            let mut record = *record;
            if spec.batch == 1 {
                // The device's is the rounding error of a difference.
                record.grad_variance = 0.0;
            }
            LayerStats::new(probe, parameters, slot, &record, updated)
        };
        let blocks = (0..spec.network.blocks().len())
            .zip(&slots[1..])
            .zip(records);
        let loss = f64::from(state.batch_loss);
        let correct = f64::from(state.batch_correct) / f64::from(spec.batch);
        Ok(Self {
            task,
            update,
            loss,
            accuracy: spec.loss().score(loss, correct),
            layers: blocks
                .map(|((block, slot), record)| {
                    stats(spec.network.block_parameters(block), slot, record)
                })
                .collect(),
            network: stats(
                spec.network.parameter_count(),
                &slots[0],
                &records[records.len() - 1],
            ),
        })
    }
}

/// Fails unless the loss and every record of a probed replica is finite.
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
    bytemuck::cast_ref::<LayerRecord, [f32; 10]>(record)
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
        let of_clipping = |number: f32| (record.clip_ratio > 0.0).then_some(number.into());
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
            clip_ratio: of_clipping(record.clip_ratio),
            clip_factor: of_clipping(record.clip_factor),
        }
    }
}
