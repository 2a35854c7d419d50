// The tangent of the cross-entropy's gradient with respect to the logits (R-operator).
//
//   Rd[s, b, c] = p_c (t_c - sum_k p_k t_k) / B,   p = softmax(logits[b]), t = tangents[s, b]
//
//   slots             [replica, slots]
//   logits            [replica, batch_rows, columns]
//   tangents          [replica, slots, batch_rows, columns]
//   tangent_gradients [replica, slots, batch_rows, columns]    0 in padding
//
// One invocation handles one sample of one slot. Tangents are taken relative to that of the most probable
// class, so that nothing cancels where its probability is nearly 1.

struct Params {
    batch: u32,
    batch_rows: u32,
    classes: u32,
    columns: u32,
    slots: u32,
    inverse_batch: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> tangents: array<f32>;
@group(0) @binding(4) var<storage, read_write> tangent_gradients: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    let slot = id.y;
    let row = id.x;
    if row >= params.batch_rows || slots[replica * params.slots + slot].status != SLOT_RUNNING {
        return;
    }
    let start = ((replica * params.slots + slot) * params.batch_rows + row) * params.columns;
    let logit = (replica * params.batch_rows + row) * params.columns;
    var largest = 0u;
    for (var c = 1u; c < params.classes; c++) {
        largest = select(largest, c, logits[logit + c] > logits[logit + largest]);
    }
    var total = 0.0;
    var mean = 0.0;
    for (var c = 0u; c < params.classes; c++) {
        let weight = exp(logits[logit + c] - logits[logit + largest]);
        total += weight;
        mean += weight * (tangents[start + c] - tangents[start + largest]);
    }
    mean /= total;
    let is_padding = row >= params.batch;
    for (var c = 0u; c < params.columns; c++) {
        let probability = exp(logits[logit + c] - logits[logit + largest]) / total;
        let relative = tangents[start + c] - tangents[start + largest];
        let gradient = probability * (relative - mean) * params.inverse_batch;
        tangent_gradients[start + c] = select(gradient, 0.0, is_padding || c >= params.classes);
    }
}
