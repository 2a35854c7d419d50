// The projection of NaP (Lyle et al., arXiv 2407.01800) after every update: every weight matrix has its initial norm.
//
//   W = W |W_init| / |W|,   |.| the Frobenius norm
//
//   states          [replica]
//   norm_projection [replica]            1; 0 where a replica does not use it
//   matrices        [matrices]           shared
//   initial_norms   [replica, matrices]  |W_init|
//   norms           [replica, matrices]  |W|
//   parameters      [replica, stride]    in vec4s
//
// A matrix is left as it is where |W| is 0, or where its square overflows.
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4.

struct Params {
    stride: u32,    // vec4s per replica
    matrices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(2) var<storage, read> norm_projection: array<f32>;
@group(0) @binding(3) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(4) var<storage, read> initial_norms: array<f32>;
@group(0) @binding(5) var<storage, read> norms: array<f32>;
@group(0) @binding(6) var<storage, read_write> parameters: array<vec4<f32>>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    if norm_projection[replica] == 0.0 || states[replica].halted != RUNNING {
        return;
    }
    let number = replica * params.matrices + group.y;
    let norm = norms[number];
    if norm == 0.0 || !is_finite(norm) {
        return;
    }
    let factor = initial_norms[number] / norm;
    let tile = matrix_tile(matrices[group.y], group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        parameters[at] *= factor;
    }
}
