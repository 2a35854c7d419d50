// One update of all parameters, each replica by its own optimiser and with coupled L2. common/optimiser.wgsl has the
// formulas, as PyTorch computes them.
//
//   g = gradients + l2 theta
//   m, v = advance(g, m, v)
//   theta = stepped(theta, m, v)
//
//   configs        [replica]
//   states         [replica]              the corrections c1, c2
//   layer_controls [replica, layers]      where each layer ends, and its step size
//   gradients      [replica, stride]      in vec4s
//   parameters, first_moment, second_moment   like gradients
//   divergence     [replica]              set where an update is not finite
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
@group(0) @binding(8) var<storage, read_write> divergence: array<atomic<u32>>;

// The step size of the layer that holds vec4 `index` of a replica; `first` is the number of the replica's first layer.
fn step_size(first: u32, index: u32) -> f32 {
    var layer = first;
    while index >= layer_controls[layer].end {
        layer += 1u;
    }
    return layer_controls[layer].step_size;
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
    let g = gradients[at] + config.l2 * theta;
    var moments = Moments(first_moment[at], vec4<f32>(0.0));
    if keeps_v(config) {
        moments.v = second_moment[at];
    }
    moments = advance(config, g, moments);
    let size = step_size(replica * params.layers, id.x);
    let updated = stepped(config, corrections, size, theta, moments);
    first_moment[at] = moments.m;
    if keeps_v(config) {
        second_moment[at] = moments.v;
    }
    parameters[at] = updated;
    if !all_finite(moments.m) || !all_finite(moments.v) || !all_finite(updated) {
        atomicOr(&divergence[replica], HALTED_UPDATE);
    }
}
