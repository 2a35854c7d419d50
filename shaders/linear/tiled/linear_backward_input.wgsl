// linear_backward_input for GPUs: the same bindings, by tiles (product.wgsl).
//
//   input_gradients[r, b, i] = f'(z[b, i]) sum_o output_gradients[r, b, o] W[r, i, o]
//   CReLU, i and its mirror i' = i + rows/2:  [a_i > 0] (...)_i - [a_i' > 0] (...)_i'
//
// CReLU's mirror is a second product, which is subtracted from the result of the first in memory: the sums of both
// would not fit into registers.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,         // the activation of the layer below
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> input_gradients: array<vec4<f32>>;

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = true;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return output_gradients[factors.left + row * (params.columns / 4u) + k4];
}

fn right4(factors: Factors, input: u32, k4: u32) -> vec4<f32> {
    return parameters[factors.right + input * (params.columns / 4u) + k4];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let copies = select(1u, 2u, params.activation == ACTIVATION_CRELU);
    let width4 = rows4 / copies;
    let first = group.z * params.batch_rows;
    let weights = group.z * params.parameters_stride + params.offset;
    for (var copy = 0u; copy < copies; copy++) {
        let factors = Factors(
            0u,
            first * columns4,
            weights + copy * 4u * width4 * columns4,
            group.y * TILE_ROWS,
            group.x * TILE_COLUMNS,
            params.columns,
        );
        var sums = Sums();
        add_product(&sums, factors, lane);
        var gradient = results(sums, lane);
        for (var i = 0u; i < RESULTS; i++) {
            let at = result_at(factors, lane, i);
            if has_results(lane) && at.x < params.batch_rows && at.y < width4 {
                let row = first + at.x;
                let a = activations[row * rows4 + copy * width4 + at.y];
                let below = derivative(params.activation, a) * gradient[i];
                let target_at = row * width4 + at.y;
                if copy == 0u {
                    input_gradients[target_at] = below;
                } else {
                    input_gradients[target_at] -= below;
                }
            }
        }
    }
}
