// The squared norm of each sample's gradient of a layer normalisation, over its positions p.
//
//   sample_norms[r, b] = |sum_p B d[b, p] xhat[b, p]|^2 + |sum_p B d[b, p]|^2
//
//   normalised       [replica, batch_rows, positions, columns + 4]  xhat, then (rstd, ...)
//   output_gradients [replica, batch_rows, positions, columns]      d, the gradient of the mean loss
//   sample_norms     [replica, batch_rows]
//
// One workgroup handles one sample of one replica; the samples are along x. Invocation i takes vec4s i, i + 64, ... of the
// columns in that order, and the 64 partial sums are added pairwise in a fixed tree.

struct Params {
    columns: u32,
    batch: u32,
    batch_rows: u32,
    positions: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> sample_norms: array<f32>;

const INVOCATIONS: u32 = 64u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let sample = group.z * params.batch_rows + group.x;
    let first = sample * params.positions;
    var sum = 0.0;
    for (var k = local.x; k < columns4; k += INVOCATIONS) {
        var gain = vec4<f32>(0.0);
        var bias = vec4<f32>(0.0);
        for (var row = first; row < first + params.positions; row++) {
            let d = output_gradients[row * columns4 + k];
            gain += d * normalised[row * (columns4 + 1u) + k];
            bias += d;
        }
        sum += dot(gain, gain) + dot(bias, bias);
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u {
        let batch = f32(params.batch);
        sample_norms[sample] = batch * batch * total;
    }
}
