// The start of a sort: the key of every parameter, and its index as the payload.
//
//   keys[i] = key_of(parameters[i]), the largest key of all for padding;   payloads[i] = i
//
//   configs, states [replica]
//   tensors        [tensors]          shared
//   parameters      [replica, stride]   f32 as words, so that not a bit is lost
//   keys, payloads  like parameters
//
// Workgroup (t, n) handles tile t of tensor n; an invocation takes every 256th element.

struct Params {
    stride: u32,  // elements per replica
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read> parameters: array<u32>;
@group(0) @binding(5) var<storage, read_write> keys: array<u32>;
@group(0) @binding(6) var<storage, read_write> payloads: array<u32>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    if !is_sorted(configs[replica], states[replica]) {
        return;
    }
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        keys[at] = select(key_of(parameters[at]), PADDING, place_of(tensor, i) == PADDING);
        payloads[at] = i;
    }
}
