// The second half of a power iteration for every weight matrix W [outputs, inputs], for the spectral regulariser.
//
//   next_outputs = W inputs
//
//   configs, states [replica]
//   matrices        [matrices]          shared
//   parameters      [replica, stride]   in vec4s
//   inputs          [replica, rows]
//   next_outputs    [replica, columns]  in vec4s
//
// Workgroup (t, m) handles the t-th 256 vec4s of columns of matrix m as it is stored; an invocation sums four columns in
// ascending order of the rows. Replicas that do not use the regulariser, and halted ones, are left alone.

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
@group(0) @binding(5) var<storage, read> inputs: array<f32>;
@group(0) @binding(6) var<storage, read_write> next_outputs: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    let matrix = matrices[id.y];
    let columns = matrix.columns / 4u;
    let is_used = configs[replica].spectral != 0.0 && states[replica].halted == RUNNING;
    if !is_used || id.x >= columns {
        return;
    }
    let column = replica * params.stride + matrix.start / 4u + id.x;
    let vector = replica * params.rows + matrix.first_row;
    var sum = vec4<f32>(0.0);
    for (var i = 0u; i < matrix.rows; i++) {
        sum += inputs[vector + i] * parameters[column + i * columns];
    }
    next_outputs[replica * params.columns + matrix.first_column / 4u + id.x] = sum;
}
