// The gradient with respect to the products S of queries and keys, from the gradient of the output.
//
//   dA[b, h, p, k] = sum_c d[b, p, h, c] v[b, k, h, c]
//   dS[r, b, h, p, k] = scale A[b, h, p, k] (dA[b, h, p, k] - sum_j A[b, h, p, j] dA[b, h, p, j])
//
//   inputs           [replica, batch_rows, positions, input_columns]   rows [q, k, v, padding]
//   output_gradients [replica, batch_rows, positions, columns]         d
//   weights          [replica, 2, batch_rows, heads, queries, keys]    0: A, which is read; 1: dS, which is written
//
// One invocation computes one row of dS. It takes the keys in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    scale: f32,          // 1 / sqrt(head_units)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(3) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    if id.x >= params.batch_rows * params.heads * positions {
        return;
    }
    let query = id.x % positions;
    let head = id.x / positions % params.heads;
    let sample = id.x / (positions * params.heads);
    let first_row = (id.z * params.batch_rows + sample) * positions;
    let above = (first_row + query) * params.columns + head * params.head_units;
    let matrix = 2u * id.z * params.batch_rows + sample;
    let row = matrix_row(matrix, head, query);
    let target_row = matrix_row(matrix + params.batch_rows, head, query);
    var mean = 0.0;
    for (var k = 0u; k < positions; k++) {
        let value = part_at(first_row + k, VALUES, head);
        var gradient = 0.0;
        for (var c = 0u; c < params.head_units; c++) {
            gradient += output_gradients[above + c] * inputs[value + c];
        }
        weights[target_row + k] = gradient;
        mean += weights[row + k] * gradient;
    }
    for (var k = 0u; k < positions; k++) {
        weights[target_row + k] = params.scale * weights[row + k] * (weights[target_row + k] - mean);
    }
}
