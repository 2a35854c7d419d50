// Resets replicas when their next task begins: the optimiser's update count and bias corrections, except with relative time
// also the moments and the state of update clipping, and for a fresh network also the parameters (common/initial_element.wgsl).
//
//   configs        [replica]
//   states         [replica]
//   tensors        [tensors]           shared
//   parameters     [replica, stride]
//   first_moment   like parameters
//   second_moment  [replica, second_moments, stride]
//   layer_controls [replica, layers]
//
// Workgroup (t, n) resets tile t of tensor n; an invocation takes every 256th element. The first invocation of
// the first workgroup resets the layer controls and the fields of the state that no other invocation reads.

struct Params {
    stride: u32,  // elements per replica
    layers: u32,
    second_moments: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(5) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(6) var<storage, read_write> second_moment: array<f32>;
@group(0) @binding(7) var<storage, read_write> layer_controls: array<LayerControl>;

const INVOCATIONS: u32 = 256u;

fn reset_clipping(replica: u32) {
    for (var layer = replica * params.layers; layer < (replica + 1u) * params.layers; layer++) {
        layer_controls[layer].clip_ratio = 0.0;
        layer_controls[layer].clip_mean = 0.0;
        layer_controls[layer].clip_weight = 0.0;
    }
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let config = configs[replica];
    let task = states[replica].task;
    let is_due = begins_task(
        states[replica].epoch, states[replica].batch, states[replica].updates, states[replica].halted,
    );
    if config.at_task_switch == SWITCH_CARRY || !is_due {
        return;
    }
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    let resets_moments = config.at_task_switch != SWITCH_RELATIVE_TIME;
    let end = select(tile.x, tile.y, resets_moments);
    for (var i = tile.x + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        first_moment[at] = 0.0;
        for (var k = 0u; k < params.second_moments; k++) {
            second_moment[(replica * params.second_moments + k) * params.stride + i] = 0.0;
        }
        if config.at_task_switch == SWITCH_FRESH_NETWORK {
            parameters[at] = initial_element(tensor, config.seed, STREAM_PARAMETERS, task, i);
        }
    }
    if all(group.xy == vec2<u32>(0u)) && local.x == 0u {
        states[replica].optimiser_updates = 0u;
        states[replica].correction1 = config.one_minus_beta1;
        states[replica].correction2 = config.one_minus_beta2;
        if resets_moments {
            reset_clipping(replica);
        }
    }
}
