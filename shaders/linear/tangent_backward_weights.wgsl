// One layer's primal segment of a slot's Hessian-vector product (R-operator, with respect to weights and bias).
//
//   products[i, o]    = sum_b inputs[b, i] Rd[b, o] + lower_tangents[b, i] d[b, o]
//   products[rows, o] = sum_b Rd[b, o]                                         (the bias)
//
// The second term exists only where the layer's input has a tangent. With the sample gradients delta of a dual segment
// in place of Rd, the result is the vector of that segment; the end of a probe uses this.
//
//   slots             [replica, all slots]
//   inputs            [replica, batch_rows, rows]
//   lower_tangents    [replica, lower_stride rows, rows]          those of the network come first
//   output_gradients  [replica, batch_rows, columns]              d
//   tangent_gradients [replica, gradients_stride]                 Rd[slot] or delta, [batch_rows, columns]
//   products          [replica, products_stride]                  the segment, or the vector in `vectors`

struct Params {
    products_stride: u32,   // vec4s per replica
    offset: u32,            // vec4s before this segment or vector
    rows: u32,
    columns: u32,
    batch: u32,
    batch_rows: u32,
    slot: u32,
    all_slots: u32,
    gradients_stride: u32,  // vec4s per replica
    gradients_offset: u32,  // vec4s before Rd or delta
    lower_stride: u32,      // rows per replica; 0 where the input has no tangent
    is_iterate: u32,        // 1: delta of the iterate, at the end of a probe
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> tangent_gradients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> products: array<vec4<f32>>;

// Whether the slot is running or, at the end of a probe, has an iterate.
fn is_due(replica: u32) -> bool {
    let slot = slots[replica * params.all_slots + params.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let has_iterate = slot.advanced > 0u && slot.status != SLOT_DIVERGED;
    return select(is_running, has_iterate, params.is_iterate != 0u);
}
