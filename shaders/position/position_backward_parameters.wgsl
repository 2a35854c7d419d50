// The gradient of a position embedding.
//
//   gradients[r, p, :] = sum_b d[b, p, :]
//
//   output_gradients [replica, batch_rows, positions, columns]  d
//   gradients        [replica, stride]                          that of E [positions, columns]
//
// One invocation computes one vec4, adding the samples in ascending order.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before E
    batch: u32,
    batch_rows: u32,
    positions: u32,
    columns: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gradients: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = params.positions * params.columns / 4u;
    if id.x >= size {
        return;
    }
    var sum = vec4<f32>(0.0);
    for (var b = 0u; b < params.batch; b++) {
        sum += output_gradients[(id.z * params.batch_rows + b) * size + id.x];
    }
    gradients[id.z * params.parameters_stride + params.offset + id.x] = sum;
}
