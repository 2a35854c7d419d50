// Layer normalisation of every row (Ba et al., arXiv 1607.06450), with an activation.
//
//   xhat[b, :]       = rstd[b] (x[b, :] - mean(x[b, :]))
//   rstd[b]          = 1 / sqrt(mean((x[b, :] - mean(x[b, :]))^2) + epsilon)
//   outputs[r, b, :] = f(gain xhat[b, :] + bias)
//
// Means are over the units; padding does not count.
//
//   parameters      [replica, stride]                   gain [columns], then bias [columns]
//   inputs          [replica, batch_rows, columns]      x
//   outputs         [replica, batch_rows, columns]      two copies: 2 columns
//   pre_activations [replica, batch_rows, columns]      z; only where the activation keeps it
//   normalised      [replica, batch_rows, columns + 4]  xhat, then a vec4 (rstd, 0, 0, 0)
//
// One workgroup handles four rows, and 16 invocations handle a row: invocation i takes vec4s i, i + 16, ... in that order,
// and the 16 partial sums are added pairwise in a fixed tree.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before the gain
    batch_rows: u32,
    columns: u32,
    units: u32,              // columns that are not padding
    activation: u32,
    inverse_units: f32,
    epsilon: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> pre_activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> normalised: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let columns4 = params.columns / 4u;
    let lane = invocation % LANES;
    let row = group.z * params.batch_rows + group.x * ROWS + invocation / LANES;
    let first = row * columns4;
    var sum = vec4<f32>(0.0);
    for (var k = lane; k < columns4; k += LANES) {
        sum += without_padding(k, inputs[first + k]);
    }
    let mean = params.inverse_units * dot(sum_of_row(sum, invocation), vec4<f32>(1.0));
    sum = vec4<f32>(0.0);
    for (var k = lane; k < columns4; k += LANES) {
        let centred = without_padding(k, inputs[first + k] - mean);
        sum += centred * centred;
    }
    let variance = params.inverse_units * dot(sum_of_row(sum, invocation), vec4<f32>(1.0));
    let rstd = 1.0 / sqrt(variance + params.epsilon);
    let gain = group.z * params.parameters_stride + params.offset;
    let target_row = row * (columns4 + 1u);
    for (var k = lane; k < columns4; k += LANES) {
        let xhat = without_padding(k, rstd * (inputs[first + k] - mean));
        normalised[target_row + k] = xhat;
        write(row, k, parameters[gain + k] * xhat + parameters[gain + columns4 + k]);
    }
    if lane == 0u {
        normalised[target_row + columns4] = vec4<f32>(rstd, 0.0, 0.0, 0.0);
    }
}
