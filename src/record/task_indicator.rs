//! Bounds and indicators averaged over tasks, as rows.

use serde::{Deserialize, Serialize};

use super::{NETWORK, TableRow};

/// Means over the probes of one task of one replica, for one layer or for the network: a row of task_indicators.csv. A cell
/// is empty where nothing was measured in the task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskIndicatorRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task, counted from 1.
    pub task: u32,
    /// The layer as in probes.csv, or `network`.
    pub layer: String,
    /// The effective step size divided by the combined bound; 0 where the bound is infinite.
    pub step_over_combined: Option<f64>,
    /// The effective step size divided by the gradient-noise bound.
    pub step_over_noise: Option<f64>,
    /// The effective step size divided by the curvature-volatility bound.
    pub step_over_volatility: Option<f64>,
    /// The effective step size divided by tau, the bound of the Lyapunov form.
    pub step_over_tau: Option<f64>,
    /// The share of probes with an effective step size above the combined bound.
    pub above_combined: Option<f64>,
    /// Sharpness.
    pub sharpness: Option<f64>,
    /// Normalised sharpness.
    pub sharpness_normalised: Option<f64>,
    /// The effective step size.
    pub effective_step: Option<f64>,
    /// The norm of the parameters.
    pub weight_norm: Option<f64>,
    /// The norm of the minibatch's gradient.
    pub grad_norm: Option<f64>,
    /// The norm of the gradient divided by the norm of the parameters.
    pub grad_norm_over_weight_norm: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::dead`]. This field and those after it are in the network's row only.
    pub dead: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::dormant`].
    pub dormant: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::sign_entropy`].
    pub sign_entropy: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::effective_rank`].
    pub effective_rank: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::stable_rank`].
    pub stable_rank: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::fisher_rank`].
    pub fisher_rank: Option<f64>,
    /// The mean of [`crate::record::IndicatorRow::fisher_effective_rank`].
    pub fisher_effective_rank: Option<f64>,
}

impl TableRow for TaskIndicatorRow {
    const FILE: &str = "task_indicators.csv";
    const COLUMNS: &[&str] = &[
        "arm",
        "seed",
        "task",
        "layer",
        "step_over_combined",
        "step_over_noise",
        "step_over_volatility",
        "step_over_tau",
        "above_combined",
        "sharpness",
        "sharpness_normalised",
        "effective_step",
        "weight_norm",
        "grad_norm",
        "grad_norm_over_weight_norm",
        "dead",
        "dormant",
        "sign_entropy",
        "effective_rank",
        "stable_rank",
        "fisher_rank",
        "fisher_effective_rank",
    ];
}

impl TaskIndicatorRow {
    /// Whether this is the row of the whole network.
    pub fn is_network(&self) -> bool {
        self.layer == NETWORK
    }
}
