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
//
// One invocation computes 8 rows by one vec4 of columns in registers, as linear_backward_weights does.

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

// Inputs 4 row4 .. 4 row4 + 3 of a sample; the bias's constant 1 follows the last.
fn input_or_bias(sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    if row4 < rows4 {
        return inputs[sample * rows4 + row4];
    }
    return vec4<f32>(select(0.0, 1.0, row4 == rows4), 0.0, 0.0, 0.0);
}

// The tangents of these inputs; that of the constant is zero.
fn tangent_or_zero(sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    if row4 < rows4 {
        return lower_tangents[sample * rows4 + row4];
    }
    return vec4<f32>(0.0);
}

fn outer(a: vec4<f32>, d: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * d, a.y * d, a.z * d, a.w * d);
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let replica = group.z;
    let slot = slots[replica * params.all_slots + params.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let has_iterate = slot.advanced > 0u && slot.status != SLOT_DIVERGED;
    if id.x >= columns4 || !select(is_running, has_iterate, params.is_iterate != 0u) {
        return;
    }
    let first = replica * params.batch_rows;
    let gradients = replica * params.gradients_stride + params.gradients_offset + id.x;
    let first_tangent = replica * params.lower_stride;
    let row4 = group.y * 2u;
    var lower = mat4x4<f32>();
    var upper = mat4x4<f32>();
    for (var b = 0u; b < params.batch; b++) {
        let rd = tangent_gradients[gradients + b * columns4];
        lower += outer(input_or_bias(first + b, row4), rd);
        upper += outer(input_or_bias(first + b, row4 + 1u), rd);
    }
    if params.lower_stride > 0u {
        for (var b = 0u; b < params.batch; b++) {
            let d = output_gradients[(first + b) * columns4 + id.x];
            lower += outer(tangent_or_zero(first_tangent + b, row4), d);
            upper += outer(tangent_or_zero(first_tangent + b, row4 + 1u), d);
        }
    }
    let target_row = replica * params.products_stride + params.offset + id.x;
    for (var i = 0u; i < 4u; i++) {
        let row = group.y * 8u + i;
        if row <= params.rows {
            products[target_row + row * columns4] = lower[i];
        }
        if row + 4u <= params.rows {
            products[target_row + (row + 4u) * columns4] = upper[i];
        }
    }
}
