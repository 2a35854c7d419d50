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
        }
    }

    /// The names in checkpoints of the buffers `first moment` and `second moment`: PyTorch's name where PyTorch has
    /// such a buffer, `None` for a buffer that stays zero.
    pub fn moment_names(self) -> [Option<&'static str>; 2] {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } => [Some("exp_avg"), Some("exp_avg_sq")],
            Self::Sgd { .. } => [Some("momentum_buffer"), None],
            Self::Lion { .. } => [Some("exp_avg"), Some("interpolation")],
        }
    }

    /// Whether the optimiser keeps a running mean of squared gradients. The control `clip` compares gradients with it.
    pub fn has_second_moment(self) -> bool {
        match self {
            Self::Adam { .. } | Self::AdamW { .. } => true,
            Self::Sgd { .. } | Self::Lion { .. } => false,
        }
    }

    /// The offset o in `step_size / (sqrt(mean v) + o)`, the scale of an update without bias corrections. Adam's offset
    /// is its epsilon. SGD has v = 0 and the offset 1, so that the scale is its step size. Lion's offset is 0.
    pub fn divisor_offset(self) -> f64 {
        match self {
            Self::Adam { epsilon, .. } | Self::AdamW { epsilon, .. } => epsilon.into(),
            Self::Sgd { .. } => 1.0,
            Self::Lion { .. } => 0.0,
        }
    }
}
