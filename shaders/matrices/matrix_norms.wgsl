// The Frobenius norm of every weight matrix.
//
//   norms[r, m] = sqrt(sum of the squares of matrix m's elements)
//
//   matrices [matrices]           shared
//   elements [replica, stride]    in vec4s, in the layout of the parameters
//   norms    [replica, matrices]
//
// Workgroup m handles matrix m. An invocation adds every 256th vec4; then the invocations are added in a fixed tree.

struct Params {
    stride: u32,    // vec4s per replica
    matrices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(2) var<storage, read> elements: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> norms: array<f32>;

const INVOCATIONS: u32 = 256u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let matrix = matrices[group.x];
    let first = group.z * params.stride + matrix.start / 4u;
    let length = matrix.rows * matrix.columns / 4u;
    var square = 0.0;
    for (var i = local.x; i < length; i += INVOCATIONS) {
        let element = elements[first + i];
        square += dot(element, element);
    }
    let total = sum_of_workgroup(square, local.x);
    if local.x == 0u {
        norms[group.z * params.matrices + group.x] = sqrt(total);
    }
}
