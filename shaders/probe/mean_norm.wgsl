// The mean over the minibatch of the squared norms of one layer's per-sample gradients.
//
//   norms[r, layer] = 1/B sum_b sample_norms[r, b]
//
//   sample_norms [replica, batch_rows]
//   norms        [replica, layers]
//
// One workgroup handles one replica: invocation i takes samples i, i + 64, ... in that order, and the 64 partial sums are
// added pairwise in a fixed tree.

struct Params {
    batch: u32,
    batch_rows: u32,
    layer: u32,
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sample_norms: array<f32>;
@group(0) @binding(2) var<storage, read_write> norms: array<f32>;

const INVOCATIONS: u32 = 64u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    var sum = 0.0;
    for (var b = local.x; b < params.batch; b += INVOCATIONS) {
        sum += sample_norms[group.z * params.batch_rows + b];
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u {
        norms[group.z * params.layers + params.layer] = total / f32(params.batch);
    }
}
