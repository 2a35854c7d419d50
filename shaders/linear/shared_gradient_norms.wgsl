// The squared norm of each sample's gradient of one layer that several positions share. It is the norm of a sum over the
// positions p, which the kernel forms four rows by four columns at a time:
//
//   sample_norms[r, b] = |sum_p B d[b, p] [a[b, p]; 1]^T|^2
//
//   inputs           [replica, batch_rows, positions, rows]       a
//   output_gradients [replica, batch_rows, positions, columns]    d, the gradient of the mean loss
//   sample_norms     [replica, batch_rows]
//
// One workgroup handles one sample of one replica; the samples are along x. Invocation i takes tiles i, i + 64, ... of
// the gradient in that order, and the 64 partial sums are added pairwise in a fixed tree.

struct Params {
    rows: u32,
    columns: u32,
    batch: u32,
    batch_rows: u32,
    positions: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> sample_norms: array<f32>;

const INVOCATIONS: u32 = 64u;

alias Summand = f32;

// The squared norm of four rows by four columns of the weights' gradient.
fn weight_tile(first: u32, row4: u32, column4: u32) -> f32 {
    let rows4 = params.rows / 4u;
    let columns4 = params.columns / 4u;
    var tile = mat4x4<f32>();
    for (var p = 0u; p < params.positions; p++) {
        let a = inputs[(first + p) * rows4 + row4];
        let d = output_gradients[(first + p) * columns4 + column4];
        tile[0] += a.x * d;
        tile[1] += a.y * d;
        tile[2] += a.z * d;
        tile[3] += a.w * d;
    }
    return dot(tile[0], tile[0]) + dot(tile[1], tile[1]) + dot(tile[2], tile[2]) + dot(tile[3], tile[3]);
}

// The squared norm of four columns of the bias's gradient.
fn bias_tile(first: u32, column4: u32) -> f32 {
    var tile = vec4<f32>(0.0);
    for (var p = 0u; p < params.positions; p++) {
        tile += output_gradients[(first + p) * (params.columns / 4u) + column4];
    }
    return dot(tile, tile);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let weight_tiles = params.rows / 4u * columns4;
    let sample = group.z * params.batch_rows + group.x;
    let first = sample * params.positions;
    var sum = 0.0;
    for (var tile = local.x; tile < weight_tiles + columns4; tile += INVOCATIONS) {
        if tile < weight_tiles {
            sum += weight_tile(first, tile / columns4, tile % columns4);
        } else {
            sum += bias_tile(first, tile - weight_tiles);
        }
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u {
        let batch = f32(params.batch);
        sample_norms[sample] = batch * batch * total;
    }
}
