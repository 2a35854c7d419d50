// The weights of multi-head attention, without a mask.
//
//   S[b, h, p, k] = sum_c q[b, p, h, c] k[b, k, h, c]
//   A[r, b, h, p, :] = softmax(scale S[b, h, p, :])              scale = 1 / sqrt(head_units)
//
//   inputs  [replica, batch_rows, positions, input_columns]      rows [q, k, v, padding]
//   weights [replica, 2, batch_rows, heads, queries, keys]       0: A; 1 is left alone
//
// One invocation computes one row of A. It takes the keys in their order, and subtracts the largest product from all.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    if id.x >= params.batch_rows * params.heads * positions {
        return;
    }
    let head = id.x / positions % params.heads;
    let sample = id.x / (positions * params.heads);
    let first_row = (id.z * params.batch_rows + sample) * positions;
    let query = part_at(first_row + id.x % positions, QUERIES, head);
    let row = matrix_row(2u * id.z * params.batch_rows + sample, head, id.x % positions);
    var largest = 0.0;
    for (var k = 0u; k < positions; k++) {
        let key = part_at(first_row + k, KEYS, head);
        var product = 0.0;
        for (var c = 0u; c < params.head_units; c++) {
            product += inputs[query + c] * inputs[key + c];
        }
        product *= params.scale;
        weights[row + k] = product;
        largest = select(max(largest, product), product, k == 0u);
    }
    var total = 0.0;
    for (var k = 0u; k < positions; k++) {
        let power = exp(weights[row + k] - largest);
        weights[row + k] = power;
        total += power;
    }
    for (var k = 0u; k < positions; k++) {
        weights[row + k] /= total;
    }
}
