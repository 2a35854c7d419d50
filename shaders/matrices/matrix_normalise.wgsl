// The start of Newton-Schulz iterations: every matrix with a Frobenius norm of about 1.
//
//   results = elements / (norms + 1e-7)
//
//   iterations [replica]            0 where a replica is left alone
//   matrices   [matrices]           shared
//   norms      [replica, matrices]  the Frobenius norms of the elements
//   elements   [replica, stride]    in vec4s, in the layout of the parameters
//   results    like elements
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4. The term 1e-7 is that of Muon's code
// (Jordan, github.com/KellerJordan/Muon). It keeps a matrix of zeros finite, and is below the rounding of other matrices.

struct Params {
    stride: u32,    // vec4s per replica
    matrices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> iterations: array<f32>;
@group(0) @binding(2) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> elements: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> results: array<vec4<f32>>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    if iterations[replica] == 0.0 {
        return;
    }
    let divisor = norms[replica * params.matrices + group.y] + 1e-7;
    let tile = matrix_tile(matrices[group.y], group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        results[at] = elements[at] / divisor;
    }
}
