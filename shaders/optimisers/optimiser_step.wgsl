// One update of all parameters, each replica by its own optimiser and with coupled L2. common/optimiser.wgsl has the
// formulas, as PyTorch computes them.
//
//   g = s (gradients + l2 theta), where s is the factor of gradient clipping (common/clipping.wgsl), else 1
//   m, v = advance(g, m, v)
//   theta = stepped(theta, m, v)
//
//   configs        [replica]
//   states         [replica]              the corrections c1, c2
//   layer_controls [replica, layers]      where each layer ends, its step size, and its state of update clipping
//   gradients      [replica, stride]      in vec4s
//   parameters, first_moment, second_moment   like gradients
//   step_sums      [replica, layers, SQUARE_PARTS]   squared gradients in, divergence out
//
// One invocation updates one vec4. A halted replica is left alone. Where the optimiser
// does not use v, second_moment is neither read nor written.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> second_moment: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> step_sums: array<StepSum>;

// The number of the layer that holds vec4 `index` of a replica; `first` is the number of the replica's first layer.
fn layer_of(first: u32, index: u32) -> u32 {
    var layer = first;
    while index >= layer_controls[layer].end {
        layer += 1u;
    }
    return layer;
}

// The step size of a layer's update, where `scale` is the factor of gradient clipping.
fn step_size(config: ReplicaConfig, layer: u32, scale: f32) -> f32 {
    let size = layer_controls[layer].step_size;
    if config.clip_threshold == 0.0 {
        return size;
    }
    let ratio = next_clip_ratio(config, layer, block_mean_square(layer, scale));
    return clipped_step_size(config, size, ratio);
}

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    if id.x >= params.parameters_stride || states[replica].halted != RUNNING {
        return;
    }
    let config = configs[replica];
    let corrections = vec2<f32>(states[replica].correction1, states[replica].correction2);
    let at = replica * params.parameters_stride + id.x;
    let theta = parameters[at];
    let first = replica * params.layers;
    let scale = gradient_scale(config, first, params.layers);
    let g = scale * (gradients[at] + config.l2 * theta);
    var moments = Moments(first_moment[at], vec4<f32>(0.0));
    if keeps_v(config) {
        moments.v = second_moment[at];
    }
    moments = advance(config, g, moments);
    let size = step_size(config, layer_of(first, id.x), scale);
    let updated = stepped(config, corrections, size, theta, moments);
    first_moment[at] = moments.m;
    if keeps_v(config) {
        second_moment[at] = moments.v;
    }
    parameters[at] = updated;
    if !all_finite(moments.m) || !all_finite(moments.v) || !all_finite(updated) {
        atomicOr(&step_sums[first * SQUARE_PARTS].divergence, HALTED_UPDATE);
    }
}
