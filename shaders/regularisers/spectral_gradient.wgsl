// Adds the gradient of the spectral regulariser, spectral sum_l (sigma_max(W_l)^2 - 1)^2 (Lewandowski et al., arXiv
// 2406.06811), for every weight matrix W [outputs, inputs].
//
//   gradient of W += slope next_outputs inputs^T
//
//   configs, states [replica]
//   matrices        [matrices]          shared
//   inputs          [replica, rows]     the right singular vector of length 1
//   next_outputs    [replica, columns]  in vec4s: the left singular vector of length 1
//   slopes          [replica, matrices]
//   gradients       [replica, stride]   in vec4s
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4. A replica whose coefficient is 0 is left
// bit for bit as it is.

struct Params {
    stride: u32,    // vec4s per replica
    rows: u32,      // rows of all matrices
    columns: u32,   // vec4s of all vectors of columns
    matrices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(4) var<storage, read> inputs: array<f32>;
@group(0) @binding(5) var<storage, read> next_outputs: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> slopes: array<f32>;
@group(0) @binding(7) var<storage, read_write> gradients: array<vec4<f32>>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let slope = slopes[replica * params.matrices + group.y];
    let is_used = configs[replica].spectral != 0.0 && states[replica].halted == RUNNING;
    if !is_used || slope == 0.0 {
        return;
    }
    let matrix = matrices[group.y];
    let columns = matrix.columns / 4u;
    let tile = matrix_tile(matrix, group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let element = i - matrix.start / 4u;
        let input = inputs[replica * params.rows + matrix.first_row + element / columns];
        let output = next_outputs[replica * params.columns + matrix.first_column / 4u + element % columns];
        gradients[replica * params.stride + i] += slope * input * output;
    }
}
