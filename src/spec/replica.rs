//! One replica: a seed and a configuration.

use serde::{Deserialize, Serialize};

use super::{Intervention, Optimiser, UpdateClipping, clipping, intervention};
use crate::error::Error;
use crate::state::{
    RenewalSettings, ReplicaConfig, SWITCH_CARRY, SWITCH_FRESH_NETWORK, SWITCH_RELATIVE_TIME,
    SWITCH_RESET_OPTIMISER,
};

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
    pub(super) fn check(&self) -> Result<(), Error> {
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
        self.check_relative_time()?;
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

    /// Refuses relative time where there is nothing that it starts anew.
    fn check_relative_time(&self) -> Result<(), Error> {
        if self.at_task_switch == TaskSwitch::RelativeTime && !self.optimiser.corrects_bias() {
            let wanted = "an optimiser with bias corrections, which relative-time starts anew at a task switch";
            return Err(Error::invalid("optimiser", wanted, self.optimiser.name()));
        }
        Ok(())
    }

    /// Whether a step needs the norm of the replica's gradient.
    pub(crate) fn is_clipped(&self) -> bool {
        self.update_clipping.is_some() || self.gradient_clipping.is_some()
    }

    /// Whether the replica works on weight matrices as matrices.
    pub(super) fn works_on_matrices(&self) -> bool {
        let mut interventions = self.interventions.iter();
        self.spectral != 0.0
            || self.optimiser.multiplies_matrices()
            || interventions.any(Intervention::works_on_matrices)
    }

    /// Whether the replica multiplies weight matrices.
    pub(super) fn multiplies_matrices(&self) -> bool {
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
