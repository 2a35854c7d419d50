// The update of UPGD (Elsayed and Mahmood, arXiv 2404.00781): parameters of little use move most.
//
//   m = (1 - sigmoid(u / (c2 utility))) m    c2 = 1 - beta2^t; half of m where the utility is 0
//   theta = (1 - step_size weight_decay) theta - step_size m
//
//   configs, states [replica]
//   layer_controls  [replica, layers]    step sizes, and the state of update clipping
//   tensors         [tensors]            shared
//   parameters      [replica, stride]    in vec4s
//   first_moment    like parameters      m, from which probes compute the latest update
//   second_moment   [replica, second_moments, stride]   u, the first
//   step_sums       [replica, layers, SQUARE_PARTS]     squared gradients and utility in, divergence out
//
// Replicas with other optimisers, and halted ones, are left alone.
//
// Workgroup (t, n) handles tile t of tensor n; an invocation takes every 256th vec4.

struct Params {
    stride: u32,          // vec4s per replica
    layers: u32,
    second_moments: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(5) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> second_moment: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> step_sums: array<StepSum>;

const INVOCATIONS: u32 = 256u;
const LARGEST_EXPONENT: f32 = 80.0;  // exp of it is finite

// 1 - sigmoid(u / (correction utility))
fn free_share(u: vec4<f32>, correction: f32, utility: f32) -> vec4<f32> {
    if utility == 0.0 {
        return vec4<f32>(0.5);
    }
    let exponent = u / correction / utility;
    let bound = vec4<f32>(LARGEST_EXPONENT);
    return 1.0 / (1.0 + exp(clamp(exponent, -bound, bound)));
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let config = configs[replica];
    if config.optimiser != OPTIMISER_UPGD || states[replica].halted != RUNNING {
        return;
    }
    let tensor = tensors[group.y];
    let first = replica * params.layers;
    let scale = gradient_scale(config, first, params.layers);
    let size = step_size(config, first + tensor.block, scale);
    let corrections = vec2<f32>(states[replica].correction1, states[replica].correction2);
    let utility = bitcast<f32>(atomicLoad(&step_sums[first * SQUARE_PARTS].utility));
    let tile = tile_range(tensor, group.x) / 4u;
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        let u = second_moment[replica * params.second_moments * params.stride + i];
        let m = free_share(u, corrections.y, utility) * first_moment[at];
        let moments = Moments(m, u, vec4<f32>(0.0), vec4<f32>(0.0));
        let updated = stepped(config, corrections, size, parameters[at], moments);
        first_moment[at] = m;
        parameters[at] = updated;
        if !all_finite(updated) {
            atomicOr(&step_sums[first * SQUARE_PARTS].divergence, HALTED_UPDATE);
        }
    }
}
