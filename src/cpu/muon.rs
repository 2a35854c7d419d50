//! The rules of Muon: one for weight matrices, and Adam's for everything else. `shaders/common/optimiser.wgsl` has the
//! formulas.

use super::divisor::correction_of;
use super::optimiser::{Adam, Rule, Setting};

/// Muon's rule for weight matrices, whose moments `muon_momentum` and `muon_step` make: m is the momentum, v the update without
/// its step size.
#[derive(Clone, Copy)]
pub(crate) struct MuonMatrix {
    step_size: f32,
    /// inputs / c^2, with c the bias correction of the momentum.
    factor: f32,
}

impl MuonMatrix {
    /// The rule of a matrix with so many inputs after update number `t`; before the first, `t` is 0.
    pub(crate) fn new(setting: Setting<'_>, inputs: u32, t: u32) -> Self {
        let config = setting.config;
        let correction = match t {
            0 => 1.0,
            t => correction_of(config.momentum, config.one_minus_momentum, t),
        };
        Self {
            step_size: setting.step_size,
            factor: inputs as f32 / (correction * correction),
        }
    }
}

impl Rule for MuonMatrix {
    #[inline(always)]
    fn advance(self, _: f32, m: f32, v: f32) -> [f32; 2] {
        [m, v]
    }

    #[inline(always)]
    fn descent(self, _: f32, v: f32) -> f32 {
        self.step_size * v
    }

    #[inline(always)]
    fn mean_square(self, m: f32, _: f32) -> f32 {
        self.factor * (m * m)
    }

    fn effective_step(self, mean: f32) -> f32 {
        effective_step(self.step_size, mean)
    }
}

/// Muon's rule for all tensors but weight matrices: Adam with a share of the step size.
#[derive(Clone, Copy)]
pub(crate) struct MuonOther {
    adam: Adam,
    step_size: f32,
    /// c1^2 / (c2 share^2)
    factor: f32,
}

impl From<Setting<'_>> for MuonOther {
    fn from(setting: Setting<'_>) -> Self {
        let share = setting.config.adam_share;
        let (c1, c2) = setting.corrections;
        let adam = Setting {
            step_size: share * setting.step_size,
            ..setting
        };
        Self {
            adam: adam.into(),
            step_size: setting.step_size,
            factor: c1 * c1 / (c2 * share * share),
        }
    }
}

impl Rule for MuonOther {
    #[inline(always)]
    fn advance(self, g: f32, m: f32, v: f32) -> [f32; 2] {
        self.adam.advance(g, m, v)
    }

    #[inline(always)]
    fn descent(self, m: f32, v: f32) -> f32 {
        self.adam.descent(m, v)
    }

    #[inline(always)]
    fn mean_square(self, _: f32, v: f32) -> f32 {
        self.factor * v
    }

    fn effective_step(self, mean: f32) -> f32 {
        effective_step(self.step_size, mean)
    }
}

fn effective_step(step_size: f32, mean: f32) -> f32 {
    if mean == 0.0 {
        0.0
    } else {
        step_size / mean.sqrt()
    }
}
