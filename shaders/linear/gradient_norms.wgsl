// The mean squared norm of one layer's per-sample gradients, in closed form: the gradient of sample b's own loss is the
// outer product of B d[b] and [a[b]; 1]. The kernel does not form these products.
//
//   norms[r, layer] = 1/B sum_b |B d[b]|^2 (|a[b]|^2 + 1)
//
//   inputs           [replica, batch_rows, rows]       a
//   output_gradients [replica, batch_rows, columns]    d, the gradient of the mean loss
//   norms            [replica, layers]
//
// One workgroup handles one replica: invocation i takes rows i, i + 64, ... in that order, and the 64
// partial sums are added pairwise in a fixed tree.

struct Params {
    rows: u32,
    columns: u32,
    batch: u32,
    batch_rows: u32,
    layer: u32,
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> norms: array<f32>;

const INVOCATIONS: u32 = 64u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let rows4 = params.rows / 4u;
    let columns4 = params.columns / 4u;
    let first = group.z * params.batch_rows;
    var sum = 0.0;
    for (var b = local.x; b < params.batch; b += INVOCATIONS) {
        var input = 1.0;
        for (var k = 0u; k < rows4; k++) {
            let a = inputs[(first + b) * rows4 + k];
            input += dot(a, a);
        }
        var gradient = 0.0;
        for (var k = 0u; k < columns4; k++) {
            let d = f32(params.batch) * output_gradients[(first + b) * columns4 + k];
            gradient += dot(d, d);
        }
        sum += gradient * input;
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u {
        norms[group.z * params.layers + params.layer] = total / f32(params.batch);
    }
}
