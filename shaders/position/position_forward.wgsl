// The position embedding, with an activation.
//
//   outputs[r, b, p, :] = f(inputs[r, b, p, :] + E[p, :])
//
//   parameters      [replica, stride]                         E [positions, columns]
//   inputs          [replica, batch_rows / positions, positions, columns]
//   outputs         [replica, batch_rows / positions, positions, columns]   two copies: 2 columns
//   pre_activations [replica, batch_rows / positions, positions, columns]   z; only where the activation keeps it
//
// One invocation computes one vec4.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before E
    batch_rows: u32,         // positions of all stored samples
    positions: u32,
    columns: u32,
    units: u32,              // columns that are not padding
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> pre_activations: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    if id.x >= params.batch_rows * columns4 {
        return;
    }
    let row = id.z * params.batch_rows + id.x / columns4;
    let in_embedding = id.x % (params.positions * columns4);
    let embedding = parameters[id.z * params.parameters_stride + params.offset + in_embedding];
    let column4 = id.x % columns4;
    write(row, column4, inputs[row * columns4 + column4] + embedding);
}
