//! Interventions: changes of a replica's parameters besides the optimiser's updates.

use bytemuck::Zeroable;
use serde::{Deserialize, Serialize};

use super::{ReplicaSpec, TaskSwitch};
use crate::error::Error;
use crate::network::Network;
use crate::state::{
    RENEWAL_CONTINUAL_BACKPROP, RENEWAL_REDO, RENEWAL_SELF_NORMALISED_RESETS, RenewalSettings,
};

/// A change of parameters that no gradient makes. A replica has each kind once at most. Of the kinds that are due at the
/// same time, those run first that this list has first. What is due when a task begins runs after the last update of the
/// task before, and after the reset of [`super::TaskSwitch`].
///
/// ReDo, continual backprop and self-normalised resets *renew units*: the incoming weights are drawn like the initial ones
/// but unrelated to them, the incoming bias and the outgoing weights become 0, and so do the optimiser's moments of all of
/// these. The update count of bias corrections stays. A weight from a renewed unit to a renewed unit of the next layer is
/// drawn. A replica has one of these methods at most. They need a perceptron: every hidden value is made by a linear
/// operation, and linear operations alone read it. The copies of a unit, after CReLU and Fourier features, are one unit:
/// |h| and the contributions of the copies are added, and the outgoing weights of both become 0. Activations h are those of
/// the minibatch of the update, before it; weights are those after it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Intervention {
    /// When a task begins, `theta = shrink theta + perturb fresh`, where `fresh` is drawn like the initial parameters:
    /// shrink and perturb (Ash and Adams, arXiv 1910.08475). The optimiser's state stays.
    ShrinkPerturb {
        /// Factor of the parameters, 0 to 1.
        shrink: f32,
        /// Factor of the fresh draw, 0 or more.
        perturb: f32,
    },
    /// When a task begins, every weight matrix W `[outputs, inputs]` becomes `sqrt(outputs / inputs) W (W^T W)^(-1/2)`, the
    /// nearest matrix with equal singular values, and of that size: FIRE (Han et al., arXiv 2602.08040). As in the published
    /// code, Newton-Schulz iterations approach it: `X = W / |W|` at first, in the Frobenius norm, then
    /// `X = 1.5 X - 0.5 X X^T X`, and at the end `W = sqrt(outputs / inputs) X`. Small singular values stay small where
    /// the iterations are few. All weight matrices take part; biases, gains, embeddings and the optimiser's moments are
    /// left alone. A convolution is one matrix of output channels by elements of a patch, where the published code takes
    /// a matrix of channels for each element of the window; queries, keys and values that one linear operation makes
    /// are one matrix.
    Fire {
        /// The number of iterations, 1 to 100; 10 where a file leaves it out, as in the published code.
        #[serde(default = "default_iterations")]
        iterations: u32,
    },
    /// ReDo (Sokar et al., arXiv 2302.12902): after every `every`-th update, the dormant units are renewed. The score of a
    /// unit is the mean of |h| over the minibatch, divided by the mean of this number over the layer's units. A unit is
    /// dormant where its score is `tau` or less. In a layer without any activity all units are.
    Redo {
        /// The largest score of a dormant unit, 0 or more.
        #[serde(default = "default_tau")]
        tau: f32,
        /// Updates from one renewal to the next, 1 or more.
        #[serde(default = "default_every")]
        every: u32,
    },
    /// Continual backprop (Dohare et al., Nature 632, 2024, Algorithm 1). The utility of a unit is a running mean,
    /// `u = eta u + (1 - eta) |h_i| sum_k |w_ik|`, with the mean of |h_i| over the minibatch and the outgoing weights w_ik.
    /// The bias of the running mean is not corrected, as in the paper. After every update, the number of units older than
    /// `maturity` updates times `rate` is added to the credit of each layer. While the credit is 1 or more, the mature unit
    /// with the smallest utility is renewed, and 1 is subtracted. The utility and the age of a renewed unit are 0.
    ContinualBackprop {
        /// The share of a layer's mature units that an update renews on average, 0 to 1.
        #[serde(default = "default_rate")]
        rate: f32,
        /// The number of updates that a unit must exceed before it can be renewed.
        #[serde(default = "default_maturity")]
        maturity: u32,
        /// The decay of the utility; 0 or more, below 1.
        #[serde(default = "default_utility_decay")]
        eta: f32,
    },
    /// Self-normalised resets (Farias and Jozefiak, arXiv 2410.20098), with an exponential distribution in place of the
    /// paper's record of intervals. A unit fires in an update where h > 0 for any sample of the minibatch, and in any copy.
    /// After every update, a unit is renewed where it has been silent for more than `m ln(1 / eta)` updates. This is the
    /// `1 - eta` quantile of an exponential distribution with the mean m of the unit's own intervals from firing to firing.
    ///
    /// m is the mean of the intervals so far; beyond `window` intervals, a new one has the weight `1 / window`. It is 1
    /// before the first interval. A renewal ends an interval too, as in the authors' code for perceptrons, and the record of
    /// the unit goes on after it. That code keeps histograms of intervals, estimates quantiles anew after some tasks, and
    /// doubles a threshold that the quantile is not below; this does not.
    SelfNormalisedResets {
        /// The probability that a unit which fires as before is silent for so long; more than 0, below 1. The default
        /// is ours.
        #[serde(default = "default_rejection")]
        eta: f32,
        /// The number of intervals that the mean remembers, 1 to 16,777,216.
        #[serde(default = "default_window")]
        window: u32,
    },
    /// After every update, every parameter is clipped to `[-kappa bound, kappa bound]`, where `bound` is the largest
    /// absolute value that the block's initial weights can have: weight clipping (Elsayed et al., arXiv 2407.01704).
    /// Blocks whose initial parameters are constants, the gains and biases of normalisations, are not clipped.
    WeightClipping {
        /// The limit as a multiple of `bound`, more than 0.
        kappa: f32,
    },
    /// After every update, every weight matrix is rescaled to the Frobenius norm that it had at the start: the projection
    /// of normalise-and-project, NaP (Lyle et al., arXiv 2407.01800). NaP is this and layer normalisation
    /// before each activation, which the network lists by itself. All weight matrices are projected, that of the last
    /// layer too. Biases, gains, embeddings and the optimiser's moments are left alone. A fresh network at a task switch
    /// keeps the norms of the start.
    NormProjection,
}

/// The number of Newton-Schulz iterations of FIRE's published code.
fn default_iterations() -> u32 {
    10
}

fn default_tau() -> f32 {
    0.1
}

fn default_every() -> u32 {
    1_000
}

fn default_rate() -> f32 {
    1e-4
}

fn default_maturity() -> u32 {
    100
}

fn default_utility_decay() -> f32 {
    0.99
}

fn default_rejection() -> f32 {
    0.01
}

fn default_window() -> u32 {
    1_000
}

/// The largest number of intervals that a mean remembers: f32 counts no further.
const LONGEST_WINDOW: u32 = 1 << 24;

/// Checks that every number is in its range, that no kind occurs twice, and that one kind renews units at most.
pub(super) fn check(interventions: &[Intervention]) -> Result<(), Error> {
    for (place, intervention) in interventions.iter().enumerate() {
        intervention.check()?;
        let kind = std::mem::discriminant(intervention);
        let is_same = |other: &Intervention| std::mem::discriminant(other) == kind;
        if interventions[..place].iter().any(is_same) {
            let found = format!("{intervention:?} besides another of its kind");
            return Err(Error::invalid("interventions", "each kind once", found));
        }
    }
    let mut renewing = interventions.iter().filter_map(Intervention::renewal);
    if let (Some(first), Some(second)) = (renewing.next(), renewing.next()) {
        let wanted =
            "one method that renews units, because each judges units by the age that it gave them";
        let found = format!("{} and {}", name_of(first), name_of(second));
        return Err(Error::invalid("interventions", wanted, found));
    }
    Ok(())
}

/// The replica's method that renews units.
pub(super) fn renewal(interventions: &[Intervention]) -> Option<RenewalSettings> {
    interventions.iter().find_map(Intervention::renewal)
}

/// Checks that the replicas' methods that renew units can renew those of the network, and that each is needed.
pub(super) fn check_renewal(replicas: &[ReplicaSpec], network: &Network) -> Result<(), Error> {
    for replica in replicas {
        let Some(name) = replica.renewal().map(name_of) else {
            continue;
        };
        if replica.at_task_switch == TaskSwitch::FreshNetwork {
            let wanted = format!("no fresh-network, which draws every unit anew, beside {name}");
            return Err(Error::invalid("at_task_switch", wanted, "fresh-network"));
        }
        network.hidden_layers().map_err(|found| {
            let wanted = format!(
                "hidden values that linear operations alone make and read, at one position, for {name}"
            );
            Error::invalid("interventions", wanted, found)
        })?;
    }
    Ok(())
}

/// The name of a method that renews units.
fn name_of(renewal: RenewalSettings) -> &'static str {
    match renewal.method {
        RENEWAL_REDO => "redo",
        RENEWAL_CONTINUAL_BACKPROP => "continual-backprop",
        _ => "self-normalised-resets",
    }
}

impl Intervention {
    /// Whether it works on weight matrices as matrices.
    pub(super) fn works_on_matrices(&self) -> bool {
        matches!(self, Self::NormProjection | Self::Fire { .. })
    }

    /// Whether it multiplies weight matrices.
    pub(super) fn multiplies_matrices(&self) -> bool {
        matches!(self, Self::Fire { .. })
    }

    fn check(&self) -> Result<(), Error> {
        let check = |what, wanted, value: f32, is_good: bool| match is_good && value.is_finite() {
            true => Ok(()),
            false => Err(Error::invalid(what, wanted, value)),
        };
        match *self {
            Self::ShrinkPerturb { shrink, perturb } => {
                check("shrink", "0 to 1", shrink, (0.0..=1.0).contains(&shrink))?;
                check("perturb", "0 or more, finite", perturb, perturb >= 0.0)
            }
            Self::Redo { tau, every } => {
                check("tau", "0 or more, finite", tau, tau >= 0.0)?;
                check_count("every", "1 or more", every, every > 0)
            }
            Self::ContinualBackprop { rate, eta, .. } => {
                check("rate", "0 to 1", rate, (0.0..=1.0).contains(&rate))?;
                check("eta", "0 or more, below 1", eta, (0.0..1.0).contains(&eta))
            }
            Self::SelfNormalisedResets { eta, window } => {
                check("eta", "more than 0, below 1", eta, eta > 0.0 && eta < 1.0)?;
                let is_good = (1..=LONGEST_WINDOW).contains(&window);
                check_count("window", "1 to 16,777,216", window, is_good)
            }
            Self::WeightClipping { kappa } => {
                check("kappa", "more than 0, finite", kappa, kappa > 0.0)
            }
            Self::Fire { iterations } => {
                let wanted = "1 to 100";
                let is_good = (1..=100).contains(&iterations);
                is_good
                    .then_some(())
                    .ok_or_else(|| Error::invalid("iterations", wanted, iterations))
            }
            Self::NormProjection => Ok(()),
        }
    }

    /// The settings of a method that renews units; `None` for other interventions.
    fn renewal(&self) -> Option<RenewalSettings> {
        let none = RenewalSettings {
            every: 1,
            window: 1,
            ..RenewalSettings::zeroed()
        };
        Some(match *self {
            Self::Redo { tau, every } => RenewalSettings {
                method: RENEWAL_REDO,
                threshold: tau,
                every,
                ..none
            },
            Self::ContinualBackprop {
                rate,
                maturity,
                eta,
            } => RenewalSettings {
                method: RENEWAL_CONTINUAL_BACKPROP,
                maturity,
                rate,
                decay: eta,
                one_minus_decay: (1.0 - f64::from(eta)) as f32,
                ..none
            },
            Self::SelfNormalisedResets { eta, window } => RenewalSettings {
                method: RENEWAL_SELF_NORMALISED_RESETS,
                threshold: -f64::from(eta).ln() as f32,
                window,
                ..none
            },
            Self::ShrinkPerturb { .. }
            | Self::Fire { .. }
            | Self::WeightClipping { .. }
            | Self::NormProjection => return None,
        })
    }
}

fn check_count(
    what: &'static str,
    wanted: &'static str,
    count: u32,
    is_good: bool,
) -> Result<(), Error> {
    match is_good {
        true => Ok(()),
        false => Err(Error::invalid(what, wanted, count)),
    }
}
