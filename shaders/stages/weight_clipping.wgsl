// Weight clipping (Elsayed et al., arXiv 2407.01704) after every update.
//
//   parameters = clamp(parameters, -limit, limit),   limit = kappa block_bound
//
//   states          [replica]
//   weight_clipping [replica]           kappa; 0 where a replica does not use it
//   tensors         [tensors]           shared
//   parameters      [replica, stride]
//
// A block's biases are clipped like its weights: block_bound is the bound of the block's initial weights. Blocks without
// random weights, the gains and biases of normalisations, are not clipped: their block_bound is 0.
//
// Workgroup (t, n) handles tile t of tensor n; an invocation takes every 256th element.

struct Params {
    stride: u32,  // elements per replica
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(2) var<storage, read> weight_clipping: array<f32>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read_write> parameters: array<f32>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let kappa = weight_clipping[replica];
    if kappa == 0.0 || states[replica].halted != RUNNING {
        return;
    }
    let tensor = tensors[group.y];
    if tensor.block_bound == 0.0 {
        return;
    }
    let tile = tile_range(tensor, group.x);
    let limit = kappa * tensor.block_bound;
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        parameters[at] = clamp(parameters[at], -limit, limit);
    }
}
