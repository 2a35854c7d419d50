//! Twin of `shaders/common/clipping.wgsl`, which has the formulas.

use crate::cpu::optimiser::{SECOND_MOMENT_FLOOR, flush};
use crate::state::{LayerControl, ReplicaConfig, SQUARE_PARTS, StepSum};

/// The number that PyTorch's `clip_grad_norm_` adds to a norm before it divides by it.
const NORM_EPSILON: f32 = 1e-6;

/// The sums of one replica's step, `[layers, SQUARE_PARTS]`.
#[derive(Clone, Copy)]
pub(crate) struct Squares<'a>(pub(crate) &'a [StepSum]);

impl Squares<'_> {
    fn block(self, layer: usize) -> f32 {
        let parts = SQUARE_PARTS as usize;
        let parts = &self.0[layer * parts..(layer + 1) * parts];
        parts.iter().fold(0.0, |sum, part| sum + part.square)
    }

    /// |g|^2 over all blocks.
    pub(crate) fn whole(self) -> f32 {
        let layers = self.0.len() / SQUARE_PARTS as usize;
        (0..layers).fold(0.0, |sum, layer| sum + self.block(layer))
    }

    /// The factor s of gradient clipping.
    pub(crate) fn gradient_scale(self, config: &ReplicaConfig) -> f32 {
        if config.gradient_limit == 0.0 {
            return 1.0;
        }
        (config.gradient_limit / (self.whole().sqrt() + NORM_EPSILON)).min(1.0)
    }

    /// q of a block, where s is `scale`.
    pub(crate) fn mean_square(self, layer: usize, control: &LayerControl, scale: f32) -> f32 {
        let count = control.main_count as f32 + control.other_count as f32;
        let mean = scale * scale * self.block(layer) / count;
        flush(mean, SECOND_MOMENT_FLOOR)
    }
}

/// Whether a replica with this configuration clips gradients or updates.
pub(crate) fn is_clipped(config: &ReplicaConfig) -> bool {
    config.gradient_limit > 0.0 || config.clip_threshold > 0.0
}

/// h of the coming update, whose mean square is `q`.
pub(crate) fn next_ratio(config: &ReplicaConfig, control: &LayerControl, q: f32) -> f32 {
    let r = if control.clip_mean > 0.0 {
        q.sqrt() / (control.clip_mean / control.clip_weight).sqrt()
    } else {
        1.0
    };
    r.max(config.clip_hold * control.clip_ratio)
}

/// The state of update clipping after an update whose mean square is `q`.
pub(crate) fn advance(config: &ReplicaConfig, control: &mut LayerControl, q: f32) {
    control.clip_ratio = next_ratio(config, control, q);
    let mean = config.clip_decay * control.clip_mean + config.one_minus_clip_decay * q;
    control.clip_mean = flush(mean, SECOND_MOMENT_FLOOR);
    control.clip_weight = config.one_minus_clip_decay + config.clip_decay * control.clip_weight;
}

/// The step size of a layer's update, where `scale` is the factor of gradient clipping.
pub(crate) fn step_size(
    config: &ReplicaConfig,
    squares: Squares<'_>,
    scale: f32,
    (layer, control): (usize, &LayerControl),
) -> f32 {
    if config.clip_threshold == 0.0 {
        return control.step_size;
    }
    let q = squares.mean_square(layer, control, scale);
    config.clipped_step_size(control.step_size, next_ratio(config, control, q))
}
