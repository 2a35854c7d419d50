// The output of multi-head attention, with an activation.
//
//   outputs[r, b, p, h, c] = f(sum_k A[r, b, h, p, k] v[r, b, k, h, c])
//
//   inputs          [replica, batch_rows, positions, input_columns]   rows [q, k, v, padding]
//   weights         [replica, 2, batch_rows, heads, queries, keys]    0: A
//   outputs         [replica, batch_rows, positions, columns]         rows [heads, head_units]; two copies: 2 columns
//   pre_activations [replica, batch_rows, positions, columns]         z; only where the activation keeps it
//
// One invocation computes one vec4. It takes the keys in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    units: u32,          // columns that are not padding: heads times head_units
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> pre_activations: array<vec4<f32>>;

// z of one unit; 0 in padding. The sample has matrix `matrix` and rows from `first_row` on.
fn pre_activation(matrix: u32, first_row: u32, query: u32, unit: u32) -> f32 {
    if unit >= params.units {
        return 0.0;
    }
    let head = unit / params.head_units;
    let row = matrix_row(matrix, head, query);
    let value = part_at(first_row, VALUES, head) + unit % params.head_units;
    var sum = 0.0;
    for (var k = 0u; k < params.positions; k++) {
        sum += weights[row + k] * inputs[value + k * params.input_columns];
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    let columns4 = params.columns / 4u;
    if id.x >= params.batch_rows * positions * columns4 {
        return;
    }
    let column4 = id.x % columns4;
    let query = id.x / columns4 % positions;
    let sample = id.x / (columns4 * positions);
    let first_row = (id.z * params.batch_rows + sample) * positions;
    let matrix = 2u * id.z * params.batch_rows + sample;
    let z = vec4<f32>(
        pre_activation(matrix, first_row, query, 4u * column4),
        pre_activation(matrix, first_row, query, 4u * column4 + 1u),
        pre_activation(matrix, first_row, query, 4u * column4 + 2u),
        pre_activation(matrix, first_row, query, 4u * column4 + 3u),
    );
    write(first_row + query, column4, z);
}
