// The step size of a layer's update, where `scale` is the factor of gradient clipping. Needs optimiser.wgsl and clipping.wgsl.
// Twin: src/cpu/clipping.rs.
fn step_size(config: ReplicaConfig, layer: u32, scale: f32) -> f32 {
    let size = layer_controls[layer].step_size;
    if config.clip_threshold == 0.0 {
        return size;
    }
    let ratio = next_clip_ratio(config, layer, block_mean_square(layer, scale));
    return clipped_step_size(config, size, ratio);
}
