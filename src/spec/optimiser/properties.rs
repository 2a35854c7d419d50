//! The properties of optimisers that the rest of the program asks for.

use super::Optimiser;

impl Optimiser {
    /// The name in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adam { .. } => "adam",
            Self::Sgd { .. } => "sgd",
            Self::AdamW { .. } => "adamw",
            Self::Lion { .. } => "lion",
            Self::AmsGrad { .. } => "amsgrad",
            Self::AdamMax { .. } => "adam-max",
            Self::AdamO { .. } => "adamo",
            Self::Muon { .. } => "muon",
            Self::Upgd { .. } => "upgd",
        }
    }

    /// The name in checkpoints of the buffer `first moment`: PyTorch's name.
    pub fn first_moment_name(self) -> &'static str {
        match self {
            Self::Sgd { .. } => "momentum_buffer",
            Self::Upgd { .. } => "taken_gradient",
            _ => "exp_avg",
        }
    }

    /// The names in checkpoints of the moments in the buffer `second moment`: PyTorch's names where PyTorch has such
    /// buffers. The first moment of the list divides the step size. Moments that the list does not have stay zero.
    pub fn second_moment_names(self) -> &'static [&'static str] {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } | Self::AdamO { .. } => &["exp_avg_sq"],
            Self::Sgd { .. } => &[],
            Self::Lion { .. } => &["interpolation"],
            Self::Muon { .. } => &["exp_avg_sq_or_update"],
            Self::Upgd { .. } => &["avg_utility"],
            Self::AmsGrad { .. } => &["max_exp_avg_sq", "exp_avg_sq"],
            Self::AdamMax { .. } => &["divisor_sq", "exp_avg_sq", "fast_exp_avg_sq"],
        }
    }

    /// Whether it has bias corrections, which count updates.
    pub(crate) fn corrects_bias(self) -> bool {
        !matches!(self, Self::Sgd { .. } | Self::Lion { .. })
    }

    /// Whether it multiplies weight matrices.
    pub(crate) fn multiplies_matrices(self) -> bool {
        matches!(self, Self::AdamO { .. } | Self::Muon { .. })
    }

    /// Whether the optimiser keeps a running mean of squared gradients. The control `clip` compares gradients with it.
    pub fn has_second_moment(self) -> bool {
        self.second_moment_names().contains(&"exp_avg_sq")
    }

    /// The offset o in `step_size / (sqrt(mean v) + o)`, the scale of an update without bias corrections. Adam's offset
    /// is its epsilon. SGD and UPGD have v = 0 and the offset 1, so that the scale is the step size. Lion's and Muon's offset is 0.
    pub fn divisor_offset(self) -> f64 {
        match self {
            Self::Adam { epsilon, .. }
            | Self::AdamW { epsilon, .. }
            | Self::AmsGrad { epsilon, .. }
            | Self::AdamMax { epsilon, .. }
            | Self::AdamO { epsilon, .. } => epsilon.into(),
            Self::Sgd { .. } | Self::Upgd { .. } => 1.0,
            Self::Lion { .. } | Self::Muon { .. } => 0.0,
        }
    }
}
