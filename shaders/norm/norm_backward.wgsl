// The gradient with respect to the input of a layer normalisation.
//
//   g[b, :] = gain d[b, :]
//   p[b, :] = rstd[b] (g[b, :] - mean(g[b, :]) - xhat[b, :] mean(g[b, :] xhat[b, :]))
//   input_gradients[r, b, :] = f'(z[b, :]) p[b, :]
//
//   parameters       [replica, stride]                   gain [columns]
//   normalised       [replica, batch_rows, columns + 4]  xhat, then (rstd, ...)
//   activations      [replica, batch_rows, columns]      the input f(z); where z is kept, its z
//   output_gradients [replica, batch_rows, columns]      d
//   value_gradients  [replica, batch_rows, columns]      p, with respect to f(z); only where f is curved
//   input_gradients  [replica, batch_rows, columns]
//
// One workgroup handles four rows, and 16 invocations handle a row, as in norm_forward.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before the gain
    batch_rows: u32,
    columns: u32,
    units: u32,              // columns that are not padding
    activation: u32,         // the activation of the input
    accumulate: u32,         // 1: adds to input_gradients, which another reader of the input has written
    inverse_units: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> value_gradients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> input_gradients: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let columns4 = params.columns / 4u;
    let lane = invocation % LANES;
    let row = group.z * params.batch_rows + group.x * ROWS + invocation / LANES;
    let first = row * columns4;
    let source = row * (columns4 + 1u);
    let gain = group.z * params.parameters_stride + params.offset;
    var sum = vec4<f32>(0.0);
    for (var k = lane; k < columns4; k += LANES) {
        let g = without_padding(k, parameters[gain + k] * output_gradients[first + k]);
        sum.x += dot(g, vec4<f32>(1.0));
        sum.y += dot(g, normalised[source + k]);
    }
    let means = params.inverse_units * sum_of_row(sum, invocation);
    let rstd = normalised[source + columns4].x;
    let kind = activation();
    for (var k = lane; k < columns4; k += LANES) {
        let g = parameters[gain + k] * output_gradients[first + k];
        let p = without_padding(k, rstd * (g - means.x - normalised[source + k] * means.y));
        if is_curved(kind) {
            value_gradients[first + k] = p;
        }
        var below = derivative(kind, activations[first + k]) * p;
        if params.accumulate != 0u {
            below += input_gradients[first + k];
        }
        input_gradients[first + k] = below;
    }
}
