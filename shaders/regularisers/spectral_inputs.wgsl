// The first half of a power iteration for every weight matrix W [outputs, inputs], for the spectral regulariser.
//
//   inputs = W^T outputs
//
//   configs, states [replica]
//   matrices        [matrices]          shared
//   parameters      [replica, stride]   in vec4s
//   outputs         [replica, columns]  in vec4s: the vector of the step before, of length 1 but for the first
//   inputs          [replica, rows]     a vector for every matrix, from its `first_row` on
//
// Workgroup (t, m) handles the t-th 256 rows of matrix m as it is stored; an invocation sums one row in ascending order.
// Replicas that do not use the regulariser, and halted ones, are left alone.

struct Params {
    stride: u32,   // vec4s per replica
    rows: u32,     // rows of all matrices
    columns: u32,  // vec4s of all vectors of columns
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(4) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> outputs: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> inputs: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    let matrix = matrices[id.y];
    let is_used = configs[replica].spectral != 0.0 && states[replica].halted == RUNNING;
    if !is_used || id.x >= matrix.rows {
        return;
    }
    let columns = matrix.columns / 4u;
    let row = replica * params.stride + matrix.start / 4u + id.x * columns;
    let vector = replica * params.columns + matrix.first_column / 4u;
    var sum = 0.0;
    for (var i = 0u; i < columns; i++) {
        sum += dot(parameters[row + i], outputs[vector + i]);
    }
    inputs[replica * params.rows + matrix.first_row + id.x] = sum;
}
