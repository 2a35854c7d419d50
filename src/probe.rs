//! The settings of a probe, and the statistics that it measures.

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::scheduler::Statistics;
use crate::spec::TrainingSpec;
use crate::state::{LayerRecord, ProbeSlot, ReplicaState, SLOT_DIVERGED};

/// The start vectors of the iteration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProbeStart {
    /// The last probe's eigenvectors; random vectors for the first probe.
    #[default]
    Warm,
    /// Random vectors, the same at every probe.
    Cold,
}

/// The form in which an iteration holds a layer's segment of its iterate: dual (sample gradients) or primal (parameters).
/// The choice exists in a layer's own block and, for the whole network, in the first layer. Both forms give the same
/// eigenvalues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum IterateForm {
    /// The form that costs less: sample gradients where the batch is smaller than twice the layer's inputs.
    #[default]
    Auto,
    /// Dual: one gradient per sample. Products go through the Gram matrix of the layer's inputs.
    SampleGradients,
    /// Primal: a vector of parameters. Products go through the R-operator throughout.
    Parameters,
}

/// The method that finds the dominant eigenvalue: the one largest in size, whatever its sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "report", schemars(transform = accept_earlier_name))]
#[serde(rename_all = "kebab-case")]
pub enum ProbeMethod {
    /// LOBPCG (Knyazev, SIAM J. Sci. Comput. 23, 2001) with one vector and without a preconditioner: Rayleigh-Ritz in the
    /// span of the iterate, its residual and the previous direction. While the largest eigenvalues of either sign are
    /// of similar size it follows both, by thick restarts (Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 2000); of two
    /// that are almost equal in size it settles on one. It holds two vectors more than power iteration. Earlier
    /// versions wrote it as `locally-optimal`.
    #[default]
    #[serde(alias = "locally-optimal")]
    Lobpcg,
    /// Power iteration, with [`ProbeSpec::momentum`]; with a momentum of 0 it is the paper's. It does not settle where
    /// two eigenvalues have opposite signs and equal size.
    Power,
}

/// Lets the schema accept the earlier name of [`ProbeMethod::Lobpcg`], as the parser does.
#[cfg(feature = "report")]
fn accept_earlier_name(schema: &mut schemars::Schema) {
    let methods = schema.get_mut("oneOf");
    if let Some(methods) = methods.and_then(serde_json::Value::as_array_mut) {
        methods.push(serde_json::json!({
            "description": "The earlier name of lobpcg.",
            "type": "string",
            "const": "locally-optimal",
        }));
    }
}

/// The settings of a curvature measurement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ProbeSpec {
    /// The method that finds dominant eigenvalues.
    pub method: ProbeMethod,
    /// The largest number of Hessian-vector products of each layer's block and of the whole network; each iteration of
    /// either method makes one.
    pub iterations: u32,
    /// An iteration stops once |Hv - lambda v| is at most this many times |lambda| |v|. With 0 all
    /// `iterations` are done; but LOBPCG stops where that is at most 1e-6, which single
    /// precision cannot tell from 0.
    pub tolerance: f32,
    /// The start vectors.
    pub start: ProbeStart,
    /// The seed of the random start vectors, together with the replica's own.
    pub seed: u32,
    /// Momentum m of the power iteration, below 1; 0 for plain power iteration; without effect on
    /// [`ProbeMethod::Lobpcg`]. The iteration filters by the Chebyshev polynomials of [-m |lambda|, m |lambda|], where
    /// lambda is the eigenvalue found so far: it finds the same eigenvalue, and separates near ties in far fewer
    /// iterations.
    pub momentum: f32,
    /// The form of iterates.
    pub form: IterateForm,
}

impl Default for ProbeSpec {
    /// LOBPCG, warm, 30 products at the most, to a relative residual of 0.03: some eigenvalue is then within 3%, and the
    /// error of a well separated one is of the order of the residual's square. The momentum, 0.94, takes effect where
    /// power iteration is chosen.
    fn default() -> Self {
        Self {
            method: ProbeMethod::Lobpcg,
            iterations: 30,
            tolerance: 0.03,
            start: ProbeStart::Warm,
            seed: 0,
            momentum: 0.94,
            form: IterateForm::Auto,
        }
    }
}

/// The largest relative residual with which [`Sharpness::converged`] holds when the tolerance is 0.
pub const CONVERGED_RESIDUAL: f32 = 1e-3;

impl ProbeSpec {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(1..=100_000).contains(&self.iterations) {
            let wanted = "1 to 100,000";
            return Err(Error::invalid("probe iterations", wanted, self.iterations));
        }
        if !(0.0..1.0).contains(&self.tolerance) {
            let wanted = "0 or more, below 1";
            return Err(Error::invalid("probe tolerance", wanted, self.tolerance));
        }
        if !(0.0..1.0).contains(&self.momentum) {
            let wanted = "0 or more, below 1";
            return Err(Error::invalid("probe momentum", wanted, self.momentum));
        }
        Ok(())
    }

    /// The momentum of the power iteration's kernels. LOBPCG uses them for its first product only, without momentum.
    pub(crate) fn power_momentum(&self) -> f32 {
        match self.method {
            ProbeMethod::Power => self.momentum,
            ProbeMethod::Lobpcg => 0.0,
        }
    }

    /// The largest relative residual that counts as converged.
    pub(crate) fn converged_residual(&self) -> f64 {
        if self.tolerance > 0.0 {
            self.tolerance.into()
        } else {
            CONVERGED_RESIDUAL.into()
        }
    }
}

/// The dominant eigenvalue of a Hessian, from exact Hessian-vector products.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharpness {
    /// The Rayleigh quotient with its sign, which is negative for negative curvature.
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

impl From<&LayerStats> for Statistics {
    fn from(stats: &LayerStats) -> Self {
        Self {
            parameters: stats.parameters,
            step_size: stats.step_size,
            effective_step: stats.effective_step,
            sharpness: stats.sharpness.map(|sharpness| sharpness.eigenvalue),
            grad_norm_sq: stats.grad_norm_sq,
            objective_grad_norm_sq: stats.objective_grad_norm_sq,
            grad_variance: stats.grad_variance,
            second_moment: stats.second_moment,
        }
    }
}

/// The results of one replica's probe.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeStats {
    /// The task that the probed minibatch belongs to.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// Mean cross-entropy of the minibatch.
    pub loss: f64,
    /// Share of the minibatch that is classified correctly.
    pub accuracy: f64,
    /// The statistics of each layer.
    pub layers: Vec<LayerStats>,
    /// The statistics of all layers together.
    pub network: LayerStats,
}

/// A probe of a replica whose loss, gradients or parameters are not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task {task}, update {update}: the loss, a gradient or a parameter is not finite")]
pub struct NotFinite {
    /// The task that the probed minibatch belongs to.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
}

impl ProbeStats {
    /// Decodes one replica's probe from the device's words: the network is first in `slots` and last in `records`.
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

/// Fails unless all results of a replica's probe are finite.
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
