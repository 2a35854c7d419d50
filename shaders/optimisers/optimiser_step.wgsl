// One update of all parameters, each replica by its own optimiser and with coupled L2, and the end of the step.
// common/optimiser.wgsl has the formulas, as PyTorch computes them, and common/finish.wgsl the end of a step.
//
//   g = s (gradients + l2 theta), where s is the factor of gradient clipping (common/clipping.wgsl), else 1
//   m, v = advance(g, m, v)
//   theta = stepped(theta, m, v)
//
//   configs        [replica]
//   states         [replica]              the corrections c1, c2 in, the counters of the next step out
//   layer_controls [replica, layers]      where each layer ends, its step size, and its state of update clipping
//   gradients      [replica, stride]      in vec4s
//   parameters, first_moment   like gradients
//   second_moment  [replica, second_moments, stride]   v, slow, fast
//   step_sums      [replica, layers, SQUARE_PARTS]   squared gradients; divergence and arrivals
//
// One invocation updates one vec4. Halted replicas, those of UPGD (upgd_step.wgsl) and weight matrices that Muon
// updates (muon_step.wgsl) are left alone. Second moments that the optimiser does not use are neither read nor written.
//
// The workgroup of a replica that arrives last ends the step, unless `workgroups` is 0. Each adds ARRIVAL to the word in which
// invocations whose update is not finite have set HALTED_UPDATE. WGSL orders what different workgroups do only where it is
// atomic and on one word, so that word is all that the last one reads of the others. What it overwrites, the others have
// read before they arrive, because what they add or set depends on it.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    layers: u32,
    second_moments: u32,     // the largest number of second moments of a replica
    workgroups: u32,         // of a replica; 0 where later dispatches change parameters, and step_finish ends the step
    batches_per_epoch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read_write> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> second_moment: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> step_sums: array<StepSum>;

const INVOCATIONS: u32 = 256u;
const ARRIVAL: u32 = 256u;  // above the bits of HALTED_*

// A workgroup computes these once: the factor of gradient clipping, and the step sizes of the layers from that of its first
// vec4 on. A layer has one vec4 or more, so a workgroup's vec4s are in at most INVOCATIONS layers.
var<workgroup> scale: f32;
var<workgroup> step_sizes: array<f32, INVOCATIONS>;

// The number of the layer that holds vec4 `index` of a replica; `first` is the number of that layer or of one before it.
fn layer_of(first: u32, index: u32) -> u32 {
    var layer = first;
    while index >= layer_controls[layer].end {
        layer += 1u;
    }
    return layer;
}

// Computes the scale and the step sizes of the vec4s from `start` on, the first of which is in layer `lowest`.
fn prepare(replica: u32, start: u32, lowest: u32, invocation: u32) {
    let config = configs[replica];
    let first = replica * params.layers;
    let layer = lowest + invocation;
    if layer < first + params.layers {
        let factor = gradient_scale(config, first, params.layers);
        if invocation == 0u {
            scale = factor;
        }
        if layer_controls[layer].start < start + INVOCATIONS {
            step_sizes[invocation] = step_size(config, layer, factor);
        }
    }
}

// `second` is the place of v.
fn load_moments(config: ReplicaConfig, at: u32, second: u32) -> Moments {
    let kept = moments_of_v(config);
    var moments = Moments(first_moment[at], vec4<f32>(0.0), vec4<f32>(0.0), vec4<f32>(0.0));
    if kept > 0u {
        moments.v = second_moment[second];
    }
    if kept > 1u {
        moments.slow = second_moment[second + params.parameters_stride];
    }
    if kept > 2u {
        moments.fast = second_moment[second + 2u * params.parameters_stride];
    }
    return moments;
}

fn store_moments(config: ReplicaConfig, at: u32, second: u32, moments: Moments) {
    let kept = moments_of_v(config);
    first_moment[at] = moments.m;
    if kept > 0u {
        second_moment[second] = moments.v;
    }
    if kept > 1u {
        second_moment[second + params.parameters_stride] = moments.slow;
    }
    if kept > 2u {
        second_moment[second + 2u * params.parameters_stride] = moments.fast;
    }
}

// Updates vec4 `index` of a replica, which is in layer `lowest` or a later one; returns whether it stayed finite.
fn update(replica: u32, index: u32, lowest: u32) -> bool {
    let config = configs[replica];
    let layer = layer_of(lowest, index);
    if config.optimiser == OPTIMISER_UPGD || is_muon_matrix(config, layer_controls[layer], index) {
        return true;
    }
    let corrections = vec2<f32>(states[replica].correction1, states[replica].correction2);
    let at = replica * params.parameters_stride + index;
    let theta = parameters[at];
    let g = scale * (gradients[at] + config.l2 * theta);
    let fast_share = share_of_fast(config, corrections.y, states[replica].optimiser_updates + 1u);
    let second = replica * params.second_moments * params.parameters_stride + index;
    let moments = advance(config, fast_share, g, load_moments(config, at, second));
    let updated = stepped(config, corrections, step_sizes[layer - lowest], theta, moments);
    store_moments(config, at, second, moments);
    parameters[at] = updated;
    return all_finite(moments.m) && all_finite(moments.v) && all_finite(updated);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let word = replica * params.layers * SQUARE_PARTS;
    let start = group.x * INVOCATIONS;
    let index = start + local.x;
    let lowest = layer_of(replica * params.layers, start);
    prepare(replica, start, lowest, local.x);
    workgroupBarrier();
    if index < params.parameters_stride && states[replica].halted == RUNNING {
        if !update(replica, index, lowest) {
            atomicOr(&step_sums[word].divergence, HALTED_UPDATE);
        }
    }
    storageBarrier();
    if local.x > 0u || params.workgroups == 0u {
        return;
    }
    let before = atomicAdd(&step_sums[word].divergence, ARRIVAL);
    if before / ARRIVAL + 1u == params.workgroups {
        atomicStore(&step_sums[word].divergence, 0u);
        finish_step(replica, before % ARRIVAL);
    }
}
