// The sum of two values, with an activation.
//
//   outputs[r, b, :] = f(left[r, b, :] + right[r, b, :])
//
//   left, right     [replica, batch_rows, columns]
//   outputs         [replica, batch_rows, columns]      two copies: 2 columns
//   pre_activations [replica, batch_rows, columns]      z; only where the activation keeps it
//
// One invocation computes one vec4.

struct Params {
    batch_rows: u32,
    columns: u32,
    units: u32,       // columns that are not padding
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> left: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> right: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> pre_activations: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    if id.x >= params.batch_rows * columns4 {
        return;
    }
    let row = id.z * params.batch_rows + id.x / columns4;
    let column4 = id.x % columns4;
    let at = row * columns4 + column4;
    write(row, column4, left[at] + right[at]);
}
