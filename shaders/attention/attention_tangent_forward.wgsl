// The tangents of the output of multi-head attention, for every slot (R-operator, forward).
//
//   Rz[s, b, p, h, c] = sum_k (RA[s, b, h, p, k] v[b, k, h, c] + A[b, h, p, k] Rv[s, b, k, h, c])
//   Ra[s, b, p, :] = f'(z[b, p, :]) Rz[s, b, p, :]       two copies: [f1'(z) Rz, f2'(z) Rz]
//
//   slots           [replica, all slots]
//   inputs          [replica, batch_rows, positions, input_columns]          rows [q, k, v, padding]
//   input_tangents  [replica, slots, batch_rows, positions, input_columns]   rows [Rq, Rk, Rv, padding]
//   weights         [replica, 2, batch_rows, heads, queries, keys]           0: A
//   weight_tangents [replica, slots, 2, batch_rows, heads, queries, keys]    0: RA
//   activations     [replica, batch_rows, positions, columns]       the output; two copies: 2 columns; where z is kept,
//                                                                   z [.., columns]
//   tangents        [replica, slots, batch_rows, positions, columns]         Ra; two copies: 2 columns
//   pre_activation_tangents [replica, slots, batch_rows, positions, columns] Rz; only where z is kept
//
// One invocation computes one vec4 of one slot; the slots are along y. It takes the keys in their order.

struct Params {
    batch_rows: u32,     // samples
    positions: u32,
    heads: u32,
    head_units: u32,
    input_columns: u32,
    columns: u32,
    units: u32,          // columns that are not padding: heads times head_units
    activation: u32,     // the activation of the output
    slots: u32,          // slots that reach the input and the output
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read> input_tangents: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> weight_tangents: array<f32>;
@group(0) @binding(6) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> tangents: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> pre_activation_tangents: array<vec4<f32>>;

// A sample's matrix and its first row, and those of its tangents of one slot.
struct Sample {
    matrix: u32,
    row: u32,
    tangent_matrix: u32,
    tangent_row: u32,
}

// Rz of one unit; 0 in padding.
fn tangent(first: Sample, query: u32, unit: u32) -> f32 {
    if unit >= params.units {
        return 0.0;
    }
    let head = unit / params.head_units;
    let c = unit % params.head_units;
    let row = matrix_row(first.matrix, head, query);
    let row_tangent = matrix_row(first.tangent_matrix, head, query);
    let value = part_at(first.row, VALUES, head) + c;
    let value_tangent = part_at(first.tangent_row, VALUES, head) + c;
    var sum = 0.0;
    for (var k = 0u; k < params.positions; k++) {
        sum += weight_tangents[row_tangent + k] * inputs[value + k * params.input_columns];
        sum += weights[row + k] * input_tangents[value_tangent + k * params.input_columns];
    }
    return sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let positions = params.positions;
    let columns4 = params.columns / 4u;
    let replica = id.z;
    let slot = id.y;
    if id.x >= params.batch_rows * positions * columns4 || !is_running(replica, slot) {
        return;
    }
    let column4 = id.x % columns4;
    let query = id.x / columns4 % positions;
    let sample = id.x / (columns4 * positions);
    let replica_slot = replica * params.slots + slot;
    let first = Sample(
        2u * replica * params.batch_rows + sample,
        (replica * params.batch_rows + sample) * positions,
        2u * replica_slot * params.batch_rows + sample,
        (replica_slot * params.batch_rows + sample) * positions,
    );
    let rz = vec4<f32>(
        tangent(first, query, 4u * column4),
        tangent(first, query, 4u * column4 + 1u),
        tangent(first, query, 4u * column4 + 2u),
        tangent(first, query, 4u * column4 + 3u),
    );
    write(first.tangent_row + query, first.row + query, column4, rz);
}
