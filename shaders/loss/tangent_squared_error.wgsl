// The tangent of the squared error's gradient with respect to the outputs (R-operator).
//
//   Rd[s, b, c] = 2 t[s, b, c] / (B C),   t = tangents
//
//   slots             [replica, slots]
//   tangents          [replica, slots, batch_rows, columns]
//   tangent_gradients [replica, slots, batch_rows, columns]    0 in padding
//
// One invocation handles one sample of one slot.

struct Params {
    batch: u32,
    batch_rows: u32,
    classes: u32,
    columns: u32,
    slots: u32,
    inverse_count: f32,  // 1 / (B C)
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> tangents: array<f32>;
@group(0) @binding(3) var<storage, read_write> tangent_gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    let slot = id.y;
    let row = id.x;
    if row >= params.batch_rows || slots[replica * params.slots + slot].status != SLOT_RUNNING {
        return;
    }
    let start = ((replica * params.slots + slot) * params.batch_rows + row) * params.columns;
    let is_padding = row >= params.batch;
    for (var c = 0u; c < params.columns; c++) {
        let gradient = 2.0 * tangents[start + c] * params.inverse_count;
        tangent_gradients[start + c] = select(gradient, 0.0, is_padding || c >= params.classes);
    }
}
