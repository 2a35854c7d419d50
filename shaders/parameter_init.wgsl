// Kaiming-uniform weights and zero biases of one layer; moments to zero.
//
//   w[o, i] = bound * (2 u - 1),  u = uniform(seed, layer, o * inputs + i),  bound = sqrt(6 / inputs)
//
//   configs       [replica]
//   parameters    [replica, rows + 1, columns]   this layer's part; row `rows` is the bias
//   first_moment  like parameters
//   second_moment like parameters
//
// One invocation writes one vec4 of columns of one row. The draw's counter is the place in PyTorch's
// layout [outputs, inputs], so the numbers do not depend on ours. Padding is written as zero.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,               // without the bias row
    columns: u32,
    inputs: u32,             // rows that are not padding
    outputs: u32,            // columns that are not padding
    half_rows: u32,          // CReLU: rows come in two halves, each padded by itself
    half_inputs: u32,
    layer: u32,
    bound: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> second_moment: array<vec4<f32>>;

fn weight(seed: u32, row: u32, column: u32) -> f32 {
    let in_half = row % params.half_rows;
    let is_padding = row >= params.rows || in_half >= params.half_inputs || column >= params.outputs;
    if is_padding {
        return 0.0;
    }
    let input = (row / params.half_rows) * params.half_inputs + in_half;
    let bits = draw(seed, STREAM_PARAMETERS, params.layer, column * params.inputs + input);
    return (2.0 * unit_uniform(bits) - 1.0) * params.bound;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let row = id.y;
    let columns4 = params.columns / 4u;
    if id.x >= columns4 {
        return;
    }
    let seed = configs[id.z].seed;
    let column = id.x * 4u;
    let at = id.z * params.parameters_stride + params.offset + row * columns4 + id.x;
    parameters[at] = vec4<f32>(
        weight(seed, row, column),
        weight(seed, row, column + 1u),
        weight(seed, row, column + 2u),
        weight(seed, row, column + 3u),
    );
    first_moment[at] = vec4<f32>(0.0);
    second_moment[at] = vec4<f32>(0.0);
}
