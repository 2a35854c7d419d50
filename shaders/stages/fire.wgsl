// The end of FIRE (Han et al., arXiv 2602.08040) at the beginning of a task: the orthogonal factor of every weight matrix
// W [outputs, inputs] takes its place.
//
//   W = sqrt(outputs / inputs) X,   X what Newton-Schulz iterations make of W
//
//   states     [replica]
//   iterations [replica]            0 where a replica does not use it
//   matrices   [matrices]           shared
//   norms      [replica, matrices]  the Frobenius norms of W
//   elements   [replica, stride]    X, in vec4s
//   parameters like elements
//
// A matrix whose squared norm overflows is left as it is.
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4.

struct Params {
    stride: u32,    // vec4s per replica
    matrices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(2) var<storage, read> iterations: array<f32>;
@group(0) @binding(3) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(4) var<storage, read> norms: array<f32>;
@group(0) @binding(5) var<storage, read> elements: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> parameters: array<vec4<f32>>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let state = states[replica];
    let is_due = begins_task(state.epoch, state.batch, state.updates, state.halted);
    let norm = norms[replica * params.matrices + group.y];
    if iterations[replica] == 0.0 || !is_due || !is_finite(norm) {
        return;
    }
    let matrix = matrices[group.y];
    let scale = sqrt(f32(matrix.outputs) / f32(matrix.inputs));
    let tile = matrix_tile(matrix, group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        parameters[at] = scale * elements[at];
    }
}
