// Adds the gradient of the Wasserstein regulariser, wasserstein sum_i (sort(p)_i - sort(p_init)_i)^2 for
// every parameter tensor p (Lewandowski et al., arXiv 2312.00246).
//
//   gradients[payloads[i]] += 2 wasserstein (sort(p)_i - sort(p_init)_i)
//
//   configs, states         [replica]
//   tensors                [tensors]          shared
//   keys, payloads          [replica, stride]   of the sorted parameters
//   initial_keys            like keys           of the sorted initial parameters
//   gradients               [replica, stride]
//
// Workgroup (t, n) handles tile t of tensor n; an invocation takes every 256th rank. Ranks of padding
// come last and are left out. A replica whose coefficient is 0 is left bit for bit as it is.

struct Params {
    stride: u32,  // elements per replica
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read> keys: array<u32>;
@group(0) @binding(5) var<storage, read> payloads: array<u32>;
@group(0) @binding(6) var<storage, read> initial_keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> gradients: array<f32>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    if !is_sorted(configs[replica], states[replica]) {
        return;
    }
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    let end = min(tile.y, tensor.start + tensor.count);
    let factor = 2.0 * configs[replica].wasserstein;
    let first = replica * params.stride;
    for (var i = tile.x + local.x; i < end; i += INVOCATIONS) {
        let pull = float_of(keys[first + i]) - float_of(initial_keys[first + i]);
        gradients[first + payloads[first + i]] += factor * pull;
    }
}
