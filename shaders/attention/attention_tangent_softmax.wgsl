// The tangents of the weights of multi-head attention, for every slot (R-operator, forward).
//
//   RS[s, b, h, p, k] = sum_c (Rq[s, b, p, h, c] k[b, k, h, c] + q[b, p, h, c] Rk[s, b, k, h, c])
//   RA[s, b, h, p, k] = scale A[b, h, p, k] (RS[s, b, h, p, k] - sum_j A[b, h, p, j] RS[s, b, h, p, j])
//
//   slots           [replica, all slots]
//   inputs          [replica, batch_rows, positions, input_columns]          rows [q, k, v, padding]
//   input_tangents  [replica, slots, batch_rows, positions, input_columns]   rows [Rq, Rk, Rv, padding]
//   weights         [replica, 2, batch_rows, heads, queries, keys]           0: A
//   weight_tangents [replica, slots, 2, batch_rows, heads, queries, keys]    0: RA; 1 is left alone
//
// One invocation computes one row of RA of one slot; the slots are along y. It takes the keys in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    scale: f32,          // 1 / sqrt(head_units)
    slots: u32,          // slots that reach the input
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read> input_tangents: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> weight_tangents: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    let replica = id.z;
    let slot = id.y;
    if id.x >= params.batch_rows * params.heads * positions || !is_running(replica, slot) {
        return;
    }
    let position = id.x % positions;
    let head = id.x / positions % params.heads;
    let sample = id.x / (positions * params.heads);
    let replica_slot = replica * params.slots + slot;
    let first_row = (replica * params.batch_rows + sample) * positions;
    let first_tangent = (replica_slot * params.batch_rows + sample) * positions;
    let query = part_at(first_row + position, QUERIES, head);
    let query_tangent = part_at(first_tangent + position, QUERIES, head);
    let row = matrix_row(2u * replica * params.batch_rows + sample, head, position);
    let target_row = matrix_row(2u * replica_slot * params.batch_rows + sample, head, position);
    var mean = 0.0;
    for (var k = 0u; k < positions; k++) {
        let key = part_at(first_row + k, KEYS, head);
        let key_tangent = part_at(first_tangent + k, KEYS, head);
        var tangent = 0.0;
        for (var c = 0u; c < params.head_units; c++) {
            tangent += input_tangents[query_tangent + c] * inputs[key + c];
            tangent += inputs[query + c] * input_tangents[key_tangent + c];
        }
        weight_tangents[target_row + k] = tangent;
        mean += weights[row + k] * tangent;
    }
    for (var k = 0u; k < positions; k++) {
        let weight = params.scale * weights[row + k];
        weight_tangents[target_row + k] = weight * (weight_tangents[target_row + k] - mean);
    }
}
