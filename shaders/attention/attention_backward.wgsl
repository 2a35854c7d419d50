// The gradient with respect to the input of multi-head attention, before the derivative of the input's activation.
//
//   dq[b, p, h, c] = sum_k dS[b, h, p, k] k[b, k, h, c]
//   dk[b, k, h, c] = sum_p dS[b, h, p, k] q[b, p, h, c]
//   dv[b, k, h, c] = sum_p A[b, h, p, k] d[b, p, h, c]
//
//   inputs           [replica, batch_rows, positions, input_columns]   rows [q, k, v, padding]
//   output_gradients [replica, batch_rows, positions, columns]         d
//   weights          [replica, 2, batch_rows, heads, queries, keys]    0: A; 1: dS
//   input_gradients  [replica, batch_rows, positions, input_columns]   rows [dq, dk, dv, 0]
//
// One invocation computes one element. It takes the positions in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    accumulate: u32,     // 1: adds to input_gradients, which another reader of the input has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> input_gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    let size = params.batch_rows * positions * params.input_columns;
    if id.x >= size {
        return;
    }
    let column = id.x % params.input_columns;
    let position = id.x / params.input_columns % positions;
    let sample = id.x / (params.input_columns * positions);
    let first_row = (id.z * params.batch_rows + sample) * positions;
    let matrix = 2u * id.z * params.batch_rows + sample;
    let units = params.heads * params.head_units;
    let part = column / units;
    let head = column % units / params.head_units;
    let c = column % params.head_units;
    var sum = 0.0;
    if part == QUERIES {
        let row = matrix_row(matrix + params.batch_rows, head, position);
        let key = part_at(first_row, KEYS, head) + c;
        for (var k = 0u; k < positions; k++) {
            sum += weights[row + k] * inputs[key + k * params.input_columns];
        }
    } else if part == KEYS {
        let matrix_column = matrix_row(matrix + params.batch_rows, head, 0u) + position;
        let query = part_at(first_row, QUERIES, head) + c;
        for (var p = 0u; p < positions; p++) {
            sum += weights[matrix_column + p * positions] * inputs[query + p * params.input_columns];
        }
    } else if part == VALUES {
        let matrix_column = matrix_row(matrix, head, 0u) + position;
        let above = first_row * params.columns + column % units;
        for (var p = 0u; p < positions; p++) {
            sum += weights[matrix_column + p * positions] * output_gradients[above + p * params.columns];
        }
    }
    let at = id.z * size + id.x;
    if params.accumulate != 0u {
        sum += input_gradients[at];
    }
    input_gradients[at] = sum;
}
