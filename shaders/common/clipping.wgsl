// Clipping of gradients and of updates, from the squared norms of a step's gradients. Needs state.wgsl,
// gradient_scale.wgsl, and the bindings `step_sums` and `layer_controls` of the kernel. Twin: src/cpu/clipping.rs.
//
// g is the gradient with every regulariser, and n the number of a block's elements that are not padding.
//
//   gradient clipping   s = min(1, gradient_limit / (|g| + 1e-6)), |g| over all blocks, as in PyTorch's clip_grad_norm_
//                       g <- s g
//   update clipping     q = |g|^2 / n over the block, after gradient clipping
//                       r = sqrt(q) / sqrt(m / w), or 1 where m is 0
//                       h <- max(r, clip_hold h)
//                       step size <- step size min(1, clip_threshold / h), for this update
//                       m <- clip_decay m + (1 - clip_decay) q, w <- clip_decay w + 1 - clip_decay
//
// The layer controls hold h, m and w as clip_ratio, clip_mean and clip_weight. m / w is the mean of q with its bias
// corrected. All are 0 before the first update.

const MEAN_SQUARE_FLOOR: f32 = 1e-36;  // smaller mean squares become zero, as second moments do

fn flush_mean(x: f32) -> f32 {
    return select(x, 0.0, x < MEAN_SQUARE_FLOOR);
}

// q of a block, where s is `scale`.
fn block_mean_square(layer: u32, scale: f32) -> f32 {
    let count = f32(layer_controls[layer].main_count) + f32(layer_controls[layer].other_count);
    return flush_mean(scale * scale * block_square(layer) / count);
}

// h of the coming update, whose mean square is `q`.
fn next_clip_ratio(config: ReplicaConfig, layer: u32, q: f32) -> f32 {
    let control = layer_controls[layer];
    var r = 1.0;
    if control.clip_mean > 0.0 {
        r = sqrt(q) / sqrt(control.clip_mean / control.clip_weight);
    }
    return max(r, config.clip_hold * control.clip_ratio);
}
