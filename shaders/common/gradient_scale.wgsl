// Sums over a step's gradients, and the factor of gradient clipping, which clipping.wgsl defines. Needs state.wgsl and the
// binding `step_sums` of the kernel. Twin: src/cpu/clipping.rs.

const SQUARE_PARTS: u32 = 16u;
const NORM_EPSILON: f32 = 1e-6;

// One part of a block in the current step. A block has SQUARE_PARTS.
struct StepSum {
    square: f32,              // |g|^2 over the part, before gradient clipping
    divergence: atomic<u32>,  // of the replica's first part: HALTED_UPDATE where an update is not finite, else 0
    utility: atomic<u32>,     // of the replica's first part: the bits of UPGD's largest utility, 0 or more
}

fn is_clipped(config: ReplicaConfig) -> bool {
    return config.gradient_limit > 0.0 || config.clip_threshold > 0.0;
}

// |g|^2 over a block; its parts are added in ascending order.
fn block_square(layer: u32) -> f32 {
    var sum = 0.0;
    for (var i = layer * SQUARE_PARTS; i < (layer + 1u) * SQUARE_PARTS; i++) {
        sum += step_sums[i].square;
    }
    return sum;
}

// |g|^2 over the `layers` blocks from `first` on; the blocks are added in ascending order.
fn whole_square(first: u32, layers: u32) -> f32 {
    var sum = 0.0;
    for (var layer = first; layer < first + layers; layer++) {
        sum += block_square(layer);
    }
    return sum;
}

// The factor s of gradient clipping.
fn gradient_scale(config: ReplicaConfig, first: u32, layers: u32) -> f32 {
    if config.gradient_limit == 0.0 {
        return 1.0;
    }
    return min(1.0, config.gradient_limit / (sqrt(whole_square(first, layers)) + NORM_EPSILON));
}
