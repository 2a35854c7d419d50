// The utilities of UPGD (Elsayed and Mahmood, arXiv 2404.00781), and the gradients with noise that its update takes.
//
//   g = s (gradients + l2 theta), where s is the factor of gradient clipping (common/gradient_scale.wgsl), else 1
//   u = beta2 u + (1 - beta2) (-g theta)
//   m = g + noise n, n standard normal: sqrt(-2 log(1 - a)) cos(2 pi b), a and b uniform by the element's place
//   utility = the largest u of the replica, 0 where none is positive
//
//   configs, states [replica]
//   tensors         [tensors]           shared
//   gradients       [replica, stride]
//   parameters, first_moment   like gradients   theta, m
//   second_moment   [replica, second_moments, stride]   u, the first
//   step_sums       [replica, layers, SQUARE_PARTS]     squared gradients in; divergence and utility out
//
// Replicas with other optimisers, and halted ones, are left alone. Padding has no noise.
//
// Workgroup (t, n) handles tile t of tensor n; an invocation takes every 256th element. A maximum does not depend on the
// order of its numbers.

struct Params {
    stride: u32,          // elements per replica
    layers: u32,
    second_moments: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read> gradients: array<f32>;
@group(0) @binding(5) var<storage, read> parameters: array<f32>;
@group(0) @binding(6) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(7) var<storage, read_write> second_moment: array<f32>;
@group(0) @binding(8) var<storage, read_write> step_sums: array<StepSum>;

const INVOCATIONS: u32 = 256u;
const HALF_TURN: f32 = 3.14159265;

var<workgroup> largest: atomic<u32>;

// A standard normal number for the update number `updates` of element `i`, 0 in padding.
fn normal(tensor: TensorLayout, seed: u32, updates: u32, i: u32) -> f32 {
    let place = place_of(tensor, i);
    if place == PADDING {
        return 0.0;
    }
    // Streams are numbered below 256, so each block has two of its own.
    let stream = STREAM_UTILITY + (tensor.block << 9u);
    let a = unit_uniform(draw(seed, stream, updates, tensor.first_place + place));
    let b = unit_uniform(draw(seed, stream + 256u, updates, tensor.first_place + place));
    let cosine = -sine(vec4<f32>(HALF_TURN * (2.0 * b - 1.0)), 1.0).x;
    return sqrt(-2.0 * log(1.0 - a)) * cosine;
}

// Advances an invocation's elements; returns the bits of their largest utility. Those of positive floats are in the order
// of the floats.
fn advance_elements(replica: u32, tensor: TensorLayout, begin: u32, end: u32) -> u32 {
    let config = configs[replica];
    let first = replica * params.layers;
    let scale = gradient_scale(config, first, params.layers);
    var found = 0u;
    for (var i = begin; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        let theta = parameters[at];
        let g = scale * (gradients[at] + config.l2 * theta);
        let place = replica * params.second_moments * params.stride + i;
        var u = config.beta2 * second_moment[place] - config.one_minus_beta2 * (g * theta);
        u = select(u, 0.0, abs(u) < SECOND_MOMENT_FLOOR);
        var m = g;
        if config.noise > 0.0 {
            m += config.noise * normal(tensor, config.seed, states[replica].updates, i);
        }
        second_moment[place] = u;
        first_moment[at] = m;
        if !is_finite(u) || !is_finite(m) {
            atomicOr(&step_sums[first * SQUARE_PARTS].divergence, HALTED_UPDATE);
        }
        found = max(found, select(0u, bitcast<u32>(u), u > 0.0));
    }
    return found;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    if configs[replica].optimiser == OPTIMISER_UPGD && states[replica].halted == RUNNING {
        atomicMax(&largest, advance_elements(replica, tensor, tile.x + local.x, tile.y));
    }
    workgroupBarrier();
    if local.x == 0u {
        let first = replica * params.layers * SQUARE_PARTS;
        atomicMax(&step_sums[first].utility, atomicLoad(&largest));
    }
}
