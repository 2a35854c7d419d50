// The gradients of the gain and of the bias of a layer normalisation.
//
//   gradients[r, gain] = sum_b d[b, :] xhat[b, :]
//   gradients[r, bias] = sum_b d[b, :]
//
//   normalised       [replica, batch_rows, columns + 4]  xhat, then (rstd, ...)
//   output_gradients [replica, batch_rows, columns]      d
//   gradients        [replica, stride]                   those of gain [columns] and bias [columns]
//
// One workgroup handles one vec4 of columns; the vec4s are along x. Invocation i takes rows i, i + 64, ... in that order,
// and the 64 partial sums are added pairwise in a fixed tree.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before the gain
    batch: u32,              // rows that are not padding
    batch_rows: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> gradients: array<vec4<f32>>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let columns4 = params.columns / 4u;
    var gain = vec4<f32>(0.0);
    var bias = vec4<f32>(0.0);
    for (var b = local.x; b < params.batch; b += INVOCATIONS) {
        let row = group.z * params.batch_rows + b;
        let d = output_gradients[row * columns4 + group.x];
        gain += d * normalised[row * (columns4 + 1u) + group.x];
        bias += d;
    }
    let totals = sum_of_columns(gain, bias, local.x);
    if local.x == 0u {
        let at = group.z * params.parameters_stride + params.offset + group.x;
        gradients[at] = totals.gain;
        gradients[at + columns4] = totals.bias;
    }
}
