// The squared norm of each sample's gradient of a position embedding.
//
//   sample_norms[r, b] = sum_p |B d[b, p, :]|^2
//
//   output_gradients [replica, batch_rows, positions, columns]  d, the gradient of the mean loss
//   sample_norms     [replica, batch_rows]
//
// One workgroup handles one sample of one replica; the samples are along x. Invocation i takes vec4s i, i + 64, ... in
// that order, and the 64 partial sums are added pairwise in a fixed tree.

struct Params {
    columns: u32,
    batch: u32,
    batch_rows: u32,
    positions: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sample_norms: array<f32>;

const INVOCATIONS: u32 = 64u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let size = params.positions * params.columns / 4u;
    let sample = group.z * params.batch_rows + group.x;
    var sum = 0.0;
    for (var i = local.x; i < size; i += INVOCATIONS) {
        let d = output_gradients[sample * size + i];
        sum += dot(d, d);
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u {
        let batch = f32(params.batch);
        sample_norms[sample] = batch * batch * total;
    }
}
