// Draws the vectors from which the power iterations of the spectral regulariser start.
//
//   outputs[r, c] uniform in [-1, 1), another number for every column; 0 in padding
//
//   configs  [replica]
//   matrices [matrices]          shared
//   outputs  [replica, columns]  a vector for every matrix, from its `first_column` on
//
// Workgroup (t, m) draws the t-th 256 columns of matrix m.

struct Params {
    columns: u32,  // columns of all matrices
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(3) var<storage, read_write> outputs: array<f32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let matrix = matrices[id.y];
    if id.x >= matrix.columns {
        return;
    }
    let bits = draw(configs[id.z].seed, STREAM_SPECTRAL, id.y, id.x);
    let drawn = 2.0 * unit_uniform(bits) - 1.0;
    let at = id.z * params.columns + matrix.first_column + id.x;
    outputs[at] = select(0.0, drawn, id.x < matrix.outputs);
}
