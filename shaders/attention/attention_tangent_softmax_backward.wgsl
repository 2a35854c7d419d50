// The tangents of the gradient with respect to the products S of queries and keys, for every slot (R-operator, backward).
//
//   dA[b, h, p, k] = sum_c d[b, p, h, c] v[b, k, h, c]
//   RdA[s, b, h, p, k] = sum_c (Rd[s, b, p, h, c] v[b, k, h, c] + d[b, p, h, c] Rv[s, b, k, h, c])
//   RdS[s, b, h, p, :] = R{scale A (dA - m)} = scale (T - m RA - Rm A)
//     with T = RA dA + A RdA,  m[b, h, p] = sum_k A dA,  Rm[s, b, h, p] = sum_k T
//
//   slots            [replica, all slots]
//   inputs           [replica, batch_rows, positions, input_columns]          rows [q, k, v, padding]
//   input_tangents   [replica, slots, batch_rows, positions, input_columns]   rows [Rq, Rk, Rv, padding]
//   weights          [replica, 2, batch_rows, heads, queries, keys]           0: A
//   output_gradients [replica, batch_rows, positions, columns]                d
//   upper            [replica, slots, batch_rows, positions, columns]         Rd
//   weight_tangents  [replica, slots, 2, batch_rows, heads, queries, keys]    0: RA, which is read; 1: RdS, which is
//                                                                             written
//
// One invocation computes one row of RdS of one slot; the slots are along y. It takes the keys in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    scale: f32,          // 1 / sqrt(head_units)
    slots: u32,          // slots that reach the input and the output
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read> input_tangents: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(6) var<storage, read> upper: array<f32>;
@group(0) @binding(7) var<storage, read_write> weight_tangents: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    let replica = id.z;
    let slot = id.y;
    if id.x >= params.batch_rows * params.heads * positions || !is_running(replica, slot) {
        return;
    }
    let query = id.x % positions;
    let head = id.x / positions % params.heads;
    let sample = id.x / (positions * params.heads);
    let replica_slot = replica * params.slots + slot;
    let first_row = (replica * params.batch_rows + sample) * positions;
    let first_tangent = (replica_slot * params.batch_rows + sample) * positions;
    let above = (first_row + query) * params.columns + head * params.head_units;
    let above_tangent = (first_tangent + query) * params.columns + head * params.head_units;
    let matrix_tangent = 2u * replica_slot * params.batch_rows + sample;
    let row = matrix_row(2u * replica * params.batch_rows + sample, head, query);
    let row_tangent = matrix_row(matrix_tangent, head, query);
    let target_row = matrix_row(matrix_tangent + params.batch_rows, head, query);
    var mean = 0.0;
    var mean_tangent = 0.0;
    for (var k = 0u; k < positions; k++) {
        let value = part_at(first_row + k, VALUES, head);
        let value_tangent = part_at(first_tangent + k, VALUES, head);
        var gradient = 0.0;
        var tangent = 0.0;
        for (var c = 0u; c < params.head_units; c++) {
            gradient += output_gradients[above + c] * inputs[value + c];
            tangent += upper[above_tangent + c] * inputs[value + c];
            tangent += output_gradients[above + c] * input_tangents[value_tangent + c];
        }
        let weight = weights[row + k];
        let both = weight_tangents[row_tangent + k] * gradient + weight * tangent;
        weight_tangents[target_row + k] = both;
        mean += weight * gradient;
        mean_tangent += both;
    }
    for (var k = 0u; k < positions; k++) {
        let means = weight_tangents[row_tangent + k] * mean + weights[row + k] * mean_tangent;
        weight_tangents[target_row + k] = params.scale * (weight_tangents[target_row + k] - means);
    }
}
