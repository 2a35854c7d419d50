// linear_forward for GPUs: the same bindings, by tiles (product.wgsl).
//
//   outputs[r, b, :] = f(inputs[r, b, :] W[r] + bias[r])

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = false;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return inputs[factors.left + row * (params.rows / 4u) + k4];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    return parameters[factors.right + k * (params.columns / 4u) + column4];
}

fn write(row: u32, column4: u32, z: vec4<f32>) {
    let columns4 = params.columns / 4u;
    if params.activation == ACTIVATION_CRELU {
        outputs[row * 2u * columns4 + column4] = relu(z);
        outputs[row * 2u * columns4 + columns4 + column4] = relu(-z);
    } else {
        outputs[row * columns4 + column4] = activate(params.activation, z);
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let first = group.z * params.batch_rows;
    let weights = group.z * params.parameters_stride + params.offset;
    let factors = Factors(
        0u,
        first * (params.rows / 4u),
        weights,
        group.y * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.rows,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var z = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            let bias = parameters[weights + params.rows * columns4 + at.y];
            write(first + at.x, at.y, z[i] + bias);
        }
    }
}
