//! Probes as rows.

use serde::{Deserialize, Serialize};

use super::TableRow;
use super::range::{self, OutOfRange};
use crate::probe::{LayerStats, ProbeStats};
use crate::scheduler::{Action, Bounds, Decision, Signal, Statistics};

/// The value of [`ProbeRow::layer`] for all layers together.
pub(crate) const NETWORK: &str = "network";

/// One layer (or the whole network) at one probe of one replica: a row of probes.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeRow {
    /// The replica's configuration.
    pub arm: String,
    /// The replica's seed.
    pub seed: u32,
    /// The task of the probed minibatch, counted from 1.
    pub task: u32,
    /// Parameter updates done before the probe.
    pub update: u32,
    /// The layer, from 1, or `network`.
    pub layer: String,
    /// The loss of the probed minibatch, which is the same for all layers.
    pub loss: f64,
    /// Share of the minibatch classified correctly, or R^2 for regression, which is the same for all layers.
    pub accuracy: f64,
    /// The layer's step size. The network's is the mean over weights.
    pub step_size: f64,
    /// The value of [`LayerStats::effective_step`].
    pub effective_step: Option<f64>,
    /// The eigenvalue of [`LayerStats::sharpness`].
    pub sharpness: Option<f64>,
    /// The relative residual of the eigenvalue.
    pub residual: Option<f64>,
    /// The number of Hessian-vector products used; 0 where there is no sharpness.
    pub iterations: u32,
    /// Whether the residual is as small as requested; false where there is no sharpness.
    pub converged: bool,
    /// Sharpness times a step size, as the arm's scheduler normalises it.
    pub sharpness_normalised: Option<f64>,
    /// The mean of the normalised sharpness over the scheduler's window.
    pub sharpness_mean: Option<f64>,
    /// The variance of the normalised sharpness, as the arm's scheduler estimates it.
    pub sharpness_variance: Option<f64>,
    /// The normalised sharpness' variance divided by its mean.
    pub volatility: Option<f64>,
    /// The value of [`LayerStats::grad_norm_sq`].
    pub grad_norm_sq: f64,
    /// The value of [`LayerStats::objective_grad_norm_sq`].
    pub objective_grad_norm_sq: f64,
    /// The value of [`LayerStats::grad_variance`].
    pub grad_variance: f64,
    /// The value of [`LayerStats::second_moment`].
    pub second_moment: f64,
    /// The gradient-noise bound on the effective step. This field and the next three are none where they are infinite.
    pub bound_noise: Option<f64>,
    /// Curvature-volatility bound on the effective step.
    pub bound_volatility: Option<f64>,
    /// The two bounds combined.
    pub bound_combined: Option<f64>,
    /// Curvature volatility in its Lyapunov form.
    pub bound_tau: Option<f64>,
    /// Whether the effective step is above the combined bound; none where there is no bound.
    pub violation: Option<bool>,
    /// The scheduler's action; none for the network, which has no step size of its own.
    pub action: Option<Action>,
    /// The layer's step size after the probe; none for the network.
    pub next_step_size: Option<f64>,
    /// The value of [`LayerStats::weight_norm`].
    pub weight_norm: f64,
    /// The value of [`LayerStats::update_norm`].
    pub update_norm: f64,
    /// The value of [`LayerStats::clip_ratio`]. A table has this column and the next where an arm's updates are clipped.
    #[serde(default)]
    pub clip_ratio: Option<f64>,
    /// The value of [`LayerStats::clip_factor`].
    #[serde(default)]
    pub clip_factor: Option<f64>,
}

impl TableRow for ProbeRow {
    const FILE: &str = "probes.csv";
    const COLUMNS: &[&str] = &[
        "arm",
        "seed",
        "task",
        "update",
        "layer",
        "loss",
        "accuracy",
        "step_size",
        "effective_step",
        "sharpness",
        "residual",
        "iterations",
        "converged",
        "sharpness_normalised",
        "sharpness_mean",
        "sharpness_variance",
        "volatility",
        "grad_norm_sq",
        "objective_grad_norm_sq",
        "grad_variance",
        "second_moment",
        "bound_noise",
        "bound_volatility",
        "bound_combined",
        "bound_tau",
        "violation",
        "action",
        "next_step_size",
        "weight_norm",
        "update_norm",
        "clip_ratio",
        "clip_factor",
    ];
    const ALWAYS: usize = Self::COLUMNS.len() - 2;

    fn is_wide(&self) -> bool {
        self.clip_ratio.is_some() || self.clip_factor.is_some()
    }

    fn check(&self) -> Result<(), OutOfRange> {
        range::task(self.task)?;
        let is_layer = self.layer.parse::<u32>().is_ok_and(|layer| layer >= 1);
        let wanted = "a number from 1 on, or network";
        range::ensure("layer", is_layer || self.is_network(), wanted, &self.layer)?;
        range::share("accuracy", self.accuracy)?;
        range::number("loss", self.loss)?;
        range::step_size("step_size", self.step_size)?;
        range::step_size("next_step_size", self.next_step_size.unwrap_or(0.0))
    }
}

/// Returns the rows of one replica's probe and of its scheduler's decision: one row per layer, then the network's.
pub(crate) fn probe_rows(
    arm: &str,
    seed: u32,
    probe: &ProbeStats,
    decision: &Decision,
) -> Vec<ProbeRow> {
    let layers = probe.layers.iter().zip(&decision.layers).zip(1..);
    let layers = layers.map(|((stats, decided), layer): (_, u32)| ProbeRow {
        action: Some(decided.action),
        next_step_size: Some(decided.step_size),
        ..probe_row(arm, seed, probe, layer.to_string(), stats, &decided.bounds)
    });
    let network = NETWORK.to_owned();
    let network = probe_row(arm, seed, probe, network, &probe.network, &decision.network);
    layers.chain([network]).collect()
}

fn probe_row(
    arm: &str,
    seed: u32,
    probe: &ProbeStats,
    layer: String,
    stats: &LayerStats,
    bounds: &Option<Bounds>,
) -> ProbeRow {
    let sharpness = stats.sharpness;
    let bounds = bounds.as_ref();
    let of_bounds = |value: fn(&Bounds) -> f64| bounds.map(value).filter(|value| value.is_finite());
    ProbeRow {
        arm: arm.to_owned(),
        seed,
        task: probe.task + 1,
        update: probe.update,
        layer,
        loss: probe.loss,
        accuracy: probe.accuracy,
        step_size: stats.step_size,
        effective_step: stats.effective_step,
        sharpness: sharpness.map(|sharpness| sharpness.eigenvalue),
        residual: sharpness.map(|sharpness| sharpness.residual),
        iterations: sharpness.map_or(0, |sharpness| sharpness.iterations),
        converged: sharpness.is_some_and(|sharpness| sharpness.converged),
        sharpness_normalised: of_bounds(|bounds| bounds.normalised_sharpness),
        sharpness_mean: of_bounds(|bounds| bounds.mean),
        sharpness_variance: of_bounds(|bounds| bounds.variance),
        volatility: of_bounds(|bounds| bounds.volatility),
        grad_norm_sq: stats.grad_norm_sq,
        objective_grad_norm_sq: stats.objective_grad_norm_sq,
        grad_variance: stats.grad_variance,
        second_moment: stats.second_moment,
        bound_noise: of_bounds(|bounds| bounds.noise),
        bound_volatility: of_bounds(|bounds| bounds.curvature),
        bound_combined: of_bounds(|bounds| bounds.combined),
        bound_tau: of_bounds(|bounds| bounds.tau),
        violation: bounds.map(|bounds| bounds.exceeded(Signal::Combined)),
        action: None,
        next_step_size: None,
        weight_norm: stats.weight_norm,
        update_norm: stats.update_norm,
        clip_ratio: stats.clip_ratio,
        clip_factor: stats.clip_factor,
    }
}

impl ProbeRow {
    /// Whether this is the row of all layers together.
    pub fn is_network(&self) -> bool {
        self.layer == NETWORK
    }

    /// Returns the statistics from which [`probe_rows`] made the row. The layer or the network has `parameters` parameters.
    pub(crate) fn statistics(&self, parameters: usize) -> Statistics {
        Statistics {
            parameters,
            step_size: self.step_size,
            effective_step: self.effective_step,
            sharpness: self.sharpness,
            grad_norm_sq: self.grad_norm_sq,
            objective_grad_norm_sq: self.objective_grad_norm_sq,
            grad_variance: self.grad_variance,
            second_moment: self.second_moment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::probe_row as row;
    use super::super::table::tests::{read_back, written};
    use super::*;
    use crate::probe::Sharpness;
    use crate::scheduler::LayerDecision;

    fn bare_row() -> ProbeRow {
        ProbeRow {
            effective_step: None,
            sharpness: None,
            residual: None,
            iterations: 0,
            converged: false,
            sharpness_normalised: None,
            sharpness_mean: None,
            sharpness_variance: None,
            volatility: None,
            bound_noise: None,
            bound_volatility: None,
            bound_combined: None,
            bound_tau: None,
            violation: None,
            action: None,
            next_step_size: None,
            ..row("l2, strong", 8, 0, "1")
        }
    }

    const HEAD: &str = "arm,seed,task,update,layer,loss,accuracy,step_size,effective_step,sharpness,residual,\
                        iterations,converged,sharpness_normalised,sharpness_mean,sharpness_variance,volatility,\
                        grad_norm_sq,objective_grad_norm_sq,grad_variance,second_moment,bound_noise,\
                        bound_volatility,bound_combined,bound_tau,violation,action,next_step_size,weight_norm,\
                        update_norm\n";

    #[test]
    fn the_table_is_the_one_written_by_hand() {
        assert_eq!(
            written(&[row("relu", 7, 300, "2"), bare_row()]),
            format!(
                "{HEAD}relu,7,1,300,2,2.5,0.125,0.001,0.25,140.0,0.01,12,true,35.0,7.0,3.5,0.5,0.5,0.6,16.0,\
                 2e-6,0.5,0.5,0.25,0.125,false,hold,0.001,7.0,0.75\n\
                 \"l2, strong\",8,1,0,1,2.5,0.125,0.001,,,,0,false,,,,,0.5,0.6,16.0,2e-6,,,,,,,,7.0,0.75\n"
            )
        );
    }

    #[test]
    fn a_table_has_the_columns_of_clipping_where_a_row_has_them() {
        let clipped = ProbeRow {
            clip_ratio: Some(4.0),
            clip_factor: Some(0.5),
            ..row("relu", 7, 300, "2")
        };
        let rows = [clipped, bare_row()];
        let table = written(&rows);
        let head = HEAD.trim_end();
        assert!(table.starts_with(&format!("{head},clip_ratio,clip_factor\n")));
        assert!(table.contains(",0.75,4.0,0.5\n") && table.ends_with(",0.75,,\n"));
        assert_eq!(read_back::<ProbeRow>(&table), rows);
    }

    #[test]
    fn an_empty_table_has_its_header() {
        assert_eq!(written::<ProbeRow>(&[]), HEAD);
    }

    #[test]
    fn numbers_and_names_read_back_exactly() {
        let rows = [
            ProbeRow {
                arm: "a \"quoted\",\nβ₁ name".to_owned(),
                seed: u32::MAX,
                loss: 0.1 + 0.2,
                effective_step: Some(f64::MIN_POSITIVE),
                sharpness: Some(-1.0 / 3.0),
                weight_norm: f64::MAX,
                update_norm: 5e-324,
                ..row("", 1, u32::MAX, NETWORK)
            },
            bare_row(),
        ];
        assert_eq!(read_back::<ProbeRow>(&written(&rows)), rows);
    }

    #[test]
    fn a_table_shows_what_is_not_finite() {
        let rows = [ProbeRow {
            loss: f64::NAN,
            sharpness: Some(f64::NAN),
            grad_variance: f64::INFINITY,
            update_norm: f64::NEG_INFINITY,
            ..row("relu", 1, 1, "1")
        }];
        let table = written(&rows);
        assert!(
            table.contains(",NaN,0.125,") && table.contains(",0.25,NaN,0.01,"),
            "{table}"
        );
        assert!(
            table.ends_with(",inf,2e-6,0.5,0.5,0.25,0.125,false,hold,0.001,7.0,-inf\n"),
            "{table}"
        );
        assert!(read_back::<ProbeRow>(&table)[0].sharpness.unwrap().is_nan());
    }

    #[test]
    fn a_probe_has_a_row_for_each_layer_and_the_network() {
        let stats = LayerStats {
            parameters: 10,
            grad_norm_sq: 0.5,
            objective_grad_norm_sq: 0.6,
            grad_variance: 16.0,
            sharpness: Some(Sharpness {
                eigenvalue: 140.0,
                residual: 0.01,
                iterations: 12,
                converged: true,
            }),
            step_size: 1e-3,
            effective_step: Some(0.25),
            weight_norm: 7.0,
            update_norm: 0.75,
            second_moment: 2e-6,
            clip_ratio: None,
            clip_factor: None,
        };
        let bounds = Bounds {
            effective_step: 0.25,
            normalised_sharpness: 35.0,
            mean: 7.0,
            variance: 3.5,
            volatility: 0.5,
            noise: 0.5,
            curvature: 0.5,
            combined: 0.25,
            tau: 0.125,
        };
        let bare = LayerStats {
            sharpness: None,
            effective_step: None,
            grad_variance: 0.0,
            ..stats
        };
        let negative = stats.sharpness.map(|sharpness| Sharpness {
            eigenvalue: -2.0,
            converged: false,
            ..sharpness
        });
        let network = LayerStats {
            sharpness: negative,
            ..stats
        };
        let probe = ProbeStats {
            task: 0,
            update: 300,
            loss: 2.5,
            accuracy: 0.125,
            layers: vec![stats, bare],
            network,
        };
        let decided = |action, step_size, bounds| LayerDecision {
            step_size,
            action,
            bounds,
            exceeded: None,
        };
        let decision = Decision {
            layers: vec![
                decided(Action::Hold, 1e-3, Some(bounds)),
                decided(Action::Cool, 5e-4, None),
            ],
            network: Some(Bounds {
                curvature: f64::INFINITY,
                combined: 0.2,
                ..bounds
            }),
        };
        let rows = probe_rows("relu", 7, &probe, &decision);
        assert_eq!(rows[0], row("relu", 7, 300, "1"));
        assert_eq!(rows[0].statistics(10), Statistics::from(&stats));
        assert_eq!(rows[1].statistics(10), Statistics::from(&bare));
        let second = ProbeRow {
            arm: "relu".to_owned(),
            seed: 7,
            update: 300,
            layer: "2".to_owned(),
            grad_variance: 0.0,
            action: Some(Action::Cool),
            next_step_size: Some(5e-4),
            ..bare_row()
        };
        assert_eq!(rows[1], second);
        let third = ProbeRow {
            sharpness: Some(-2.0),
            converged: false,
            bound_volatility: None,
            bound_combined: Some(0.2),
            violation: Some(true),
            action: None,
            next_step_size: None,
            ..row("relu", 7, 300, NETWORK)
        };
        assert_eq!(rows[2], third);
        assert_eq!(rows.len(), 3);
    }
}
