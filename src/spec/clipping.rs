//! Clipping of updates and of gradients, which every optimiser takes.

use serde::{Deserialize, Serialize};

use super::Optimiser;
use crate::error::Error;
use crate::state::ReplicaConfig;

/// Update clipping with hold: at every update, each layer's step size is multiplied by `min(1, threshold / h)`.
///
/// - q is the mean square of the layer's gradient, over weights and biases, as the optimiser sees it: with every
///   regulariser, and after gradient clipping.
/// - m is the running mean of q before the update, with its bias corrected: `decay` is its decay.
/// - r = sqrt(q / m), about 1 in steady training. Where m is 0, r is 1: at the first update, at the first after a reset of
///   the moments, and where all gradients so far were zero.
/// - h = max(r, hold * h of the update before), and h is 0 before the first update.
///
/// Adam divides by the root of its second moment, which is that of the old task for some 1 / (1 - beta2) updates after a
/// switch, so that its first updates are too large. Shazeer and Stern (arXiv 1804.04235, section 6) clip each update by its
/// own r; that is `hold = 0`. With a hold, the step size comes back slowly, as with a warm-up. The clipping does not know
/// when tasks switch and needs no probes.
///
/// A reset of the moments at a task switch sets h and m to 0. A replica whose squared gradients overflow is halted.
///
/// In a file it is `"with-hold"`, `"without-hold"`, or a table of the fields that differ from the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "report", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct UpdateClipping {
    /// The largest h that is let through; more than 0. A threshold below 1 makes the step size smaller all the time.
    pub threshold: f32,
    /// The share of h that the next update keeps; 0 or more, below 1.
    pub hold: f32,
    /// The decay of the mean m; 0 or more, below 1. Where a file leaves it out, it is beta2 for optimisers that divide by
    /// the root of a second moment, and 0.999 for the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decay: Option<f32>,
}

impl Default for UpdateClipping {
    /// [`UpdateClipping::with_hold`]
    fn default() -> Self {
        Self::with_hold()
    }
}

/// The decay of the mean square for optimisers that keep no second moment.
const USUAL_DECAY: f32 = 0.999;

impl UpdateClipping {
    /// Threshold 2, hold 0.98, and the optimiser's decay.
    pub const fn with_hold() -> Self {
        Self {
            threshold: 2.0,
            hold: 0.98,
            decay: None,
        }
    }

    /// Threshold 1, no hold, and the optimiser's decay: the clipping of StableAdamW (Wortsman et al., arXiv 2304.13013).
    pub const fn without_hold() -> Self {
        Self {
            threshold: 1.0,
            hold: 0.0,
            decay: None,
        }
    }

    /// # Errors
    /// A number outside its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_positive("threshold", self.threshold)?;
        for (what, share) in [("hold", Some(self.hold)), ("decay", self.decay)] {
            if let Some(share) = share
                && !(0.0..1.0).contains(&share)
            {
                return Err(Error::invalid(what, "0 or more, below 1", share));
            }
        }
        Ok(())
    }

    /// `config` with this clipping of the updates of `optimiser`.
    pub(super) fn set(&self, config: ReplicaConfig, optimiser: Optimiser) -> ReplicaConfig {
        let usual = if optimiser.has_second_moment() {
            config.beta2
        } else {
            USUAL_DECAY
        };
        let decay = self.decay.unwrap_or(usual);
        ReplicaConfig {
            clip_threshold: self.threshold,
            clip_hold: self.hold,
            clip_decay: decay,
            one_minus_clip_decay: (1.0 - f64::from(decay)) as f32,
            ..config
        }
    }
}

/// Fails unless `value` is positive and finite.
pub(super) fn check_positive(what: &'static str, value: f32) -> Result<(), Error> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::invalid(what, "more than 0, finite", value))
}
