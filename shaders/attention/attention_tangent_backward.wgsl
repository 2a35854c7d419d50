// The tangents of the gradient with respect to the input of multi-head attention, before the derivative of the input's
// activation, for every slot (R-operator, backward).
//
//   Rdq[s, b, p, h, c] = sum_k (RdS[s, b, h, p, k] k[b, k, h, c] + dS[b, h, p, k] Rk[s, b, k, h, c])
//   Rdk[s, b, k, h, c] = sum_p (RdS[s, b, h, p, k] q[b, p, h, c] + dS[b, h, p, k] Rq[s, b, p, h, c])
//   Rdv[s, b, k, h, c] = sum_p (RA[s, b, h, p, k] d[b, p, h, c] + A[b, h, p, k] Rd[s, b, p, h, c])
//
//   slots            [replica, all slots]
//   inputs           [replica, batch_rows, positions, input_columns]          rows [q, k, v, padding]
//   input_tangents   [replica, slots, batch_rows, positions, input_columns]   rows [Rq, Rk, Rv, padding]
//   weights          [replica, 2, batch_rows, heads, queries, keys]           0: A; 1: dS
//   weight_tangents  [replica, slots, 2, batch_rows, heads, queries, keys]    0: RA; 1: RdS
//   output_gradients [replica, batch_rows, positions, columns]                d
//   upper            [replica, slots, batch_rows, positions, columns]         Rd
//   lower            [replica, slots, batch_rows, positions, input_columns]   rows [Rdq, Rdk, Rdv, 0]
//
// One invocation computes one element of one slot; the slots are along y. It takes the positions in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    slots: u32,          // slots that reach the input and the output
    all_slots: u32,
    accumulate: u32,     // 1: adds to `lower`, which another reader of the input has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read> input_tangents: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> weight_tangents: array<f32>;
@group(0) @binding(6) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(7) var<storage, read> upper: array<f32>;
@group(0) @binding(8) var<storage, read_write> lower: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    let size = params.batch_rows * positions * params.input_columns;
    let replica = id.z;
    let slot = id.y;
    if id.x >= size || !is_running(replica, slot) {
        return;
    }
    let column = id.x % params.input_columns;
    let position = id.x / params.input_columns % positions;
    let sample = id.x / (params.input_columns * positions);
    let replica_slot = replica * params.slots + slot;
    let first_row = (replica * params.batch_rows + sample) * positions;
    let first_tangent = (replica_slot * params.batch_rows + sample) * positions;
    let matrix = 2u * replica * params.batch_rows + sample;
    let matrix_tangent = 2u * replica_slot * params.batch_rows + sample;
    let units = params.heads * params.head_units;
    let part = column / units;
    let head = column % units / params.head_units;
    let c = column % params.head_units;
    var sum = 0.0;
    if part == QUERIES {
        let row = matrix_row(matrix + params.batch_rows, head, position);
        let row_tangent = matrix_row(matrix_tangent + params.batch_rows, head, position);
        let key = part_at(first_row, KEYS, head) + c;
        let key_tangent = part_at(first_tangent, KEYS, head) + c;
        for (var k = 0u; k < positions; k++) {
            sum += weight_tangents[row_tangent + k] * inputs[key + k * params.input_columns];
            sum += weights[row + k] * input_tangents[key_tangent + k * params.input_columns];
        }
    } else if part == KEYS {
        let own = matrix_row(matrix + params.batch_rows, head, 0u) + position;
        let own_tangent = matrix_row(matrix_tangent + params.batch_rows, head, 0u) + position;
        let query = part_at(first_row, QUERIES, head) + c;
        let query_tangent = part_at(first_tangent, QUERIES, head) + c;
        for (var p = 0u; p < positions; p++) {
            let shift = p * params.input_columns;
            sum += weight_tangents[own_tangent + p * positions] * inputs[query + shift];
            sum += weights[own + p * positions] * input_tangents[query_tangent + shift];
        }
    } else if part == VALUES {
        let own = matrix_row(matrix, head, 0u) + position;
        let own_tangent = matrix_row(matrix_tangent, head, 0u) + position;
        let above = first_row * params.columns + column % units;
        let above_tangent = first_tangent * params.columns + column % units;
        for (var p = 0u; p < positions; p++) {
            let shift = p * params.columns;
            sum += weight_tangents[own_tangent + p * positions] * output_gradients[above + shift];
            sum += weights[own + p * positions] * upper[above_tangent + shift];
        }
    }
    let at = replica_slot * size + id.x;
    if params.accumulate != 0u {
        sum += lower[at];
    }
    lower[at] = sum;
}
