// The gradient with respect to the pre-activations of one term of a sum.
//
//   input_gradients[r, b, :] = f'(z[b, :]) output_gradients[r, b, :]
//
//   activations      [replica, batch_rows, columns]     the term; where z is kept, its z
//   output_gradients [replica, batch_rows, columns]
//   input_gradients  [replica, batch_rows, columns]
//
// One invocation computes one vec4.

struct Params {
    batch_rows: u32,
    columns: u32,
    activation: u32,  // the activation of the term
    accumulate: u32,  // 1: adds to input_gradients, which another reader of the term has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> input_gradients: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = params.batch_rows * params.columns / 4u;
    if id.x >= size {
        return;
    }
    let at = id.z * size + id.x;
    var below = derivative(activation(), activations[at]) * output_gradients[at];
    if params.accumulate != 0u {
        below += input_gradients[at];
    }
    input_gradients[at] = below;
}
