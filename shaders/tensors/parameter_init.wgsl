// Kaiming-uniform weights (common/initial_weight.wgsl) and zero biases of one layer; moments to zero.
//
//   configs       [replica]
//   parameters    [replica, rows + 1, columns]   this layer's part; row `rows` is the bias
//   first_moment  like parameters
//   second_moment like parameters
//
// One invocation writes one vec4 of columns of one row.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    columns: u32,
    rows: u32,               // this and the following: WeightShape
    inputs: u32,
    outputs: u32,
    half_rows: u32,
    half_inputs: u32,
    layer: u32,
    bound: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> second_moment: array<vec4<f32>>;

fn shape() -> WeightShape {
    return WeightShape(
        params.rows, params.inputs, params.outputs, params.half_rows, params.half_inputs,
        params.layer, params.bound,
    );
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y;
    let columns4 = params.columns / 4u;
    if id.x >= columns4 {
        return;
    }
    let at = id.z * params.parameters_stride + params.offset + row * columns4 + id.x;
    parameters[at] = initial_weights(shape(), configs[id.z].seed, 0u, row, id.x * 4u);
    first_moment[at] = vec4<f32>(0.0);
    second_moment[at] = vec4<f32>(0.0);
}
