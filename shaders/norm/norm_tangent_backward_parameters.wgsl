// The segments of a layer normalisation of the Hessian-vector products (R-operator, with respect to gain and bias).
//
//   products[gain] = sum_b Rd[b, :] xhat[b, :] + d[b, :] Rxhat[b, :]
//   products[bias] = sum_b Rd[b, :]
//
// The second term exists only for slots that reach the input.
//
//   slots               [replica, all slots]
//   normalised          [replica, batch_rows, columns + 4]               xhat, then (rstd, ...)
//   normalised_tangents [replica, lower_slots, batch_rows, columns + 4]  Rxhat, then (m, ...)
//   output_gradients    [replica, batch_rows, columns]                   d
//   tangent_gradients   [replica, slots, batch_rows, columns]            Rd
//   products            [replica, products_stride]                       gain [columns] and bias [columns]
//
// One workgroup handles one vec4 of columns of one segment: the vec4s are along x, and the network's segment and the
// block's are along y. Invocation i takes rows i, i + 64, ... in that order, and the 64 partial sums are added pairwise in
// a fixed tree.

struct Params {
    batch: u32,            // rows that are not padding
    batch_rows: u32,
    columns: u32,
    slots: u32,            // slots that reach the normalisation; the last is its own block
    all_slots: u32,
    lower_slots: u32,      // slots that reach the input; 0 where it is a constant
    products_stride: u32,  // vec4s per replica
    network_offset: u32,   // vec4s before the network's segment
    block_offset: u32,     // vec4s before the block's segment
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> normalised_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> tangent_gradients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> products: array<vec4<f32>>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let is_network = group.y == 0u;
    let slot = select(params.slots - 1u, 0u, is_network);
    if !is_running(replica, slot) {
        return;
    }
    let columns4 = params.columns / 4u;
    let k = group.x;
    var gain = vec4<f32>(0.0);
    var bias = vec4<f32>(0.0);
    for (var b = local.x; b < params.batch; b += INVOCATIONS) {
        let sample = replica * params.batch_rows + b;
        let row = (replica * params.slots + slot) * params.batch_rows + b;
        let rd = tangent_gradients[row * columns4 + k];
        gain += rd * normalised[sample * (columns4 + 1u) + k];
        bias += rd;
        if slot < params.lower_slots {
            let lower_row = (replica * params.lower_slots + slot) * params.batch_rows + b;
            let rxhat = normalised_tangents[lower_row * (columns4 + 1u) + k];
            gain += output_gradients[sample * columns4 + k] * rxhat;
        }
    }
    let totals = sum_of_columns(gain, bias, local.x);
    if local.x == 0u {
        let offset = select(params.block_offset, params.network_offset, is_network);
        let at = replica * params.products_stride + offset + k;
        products[at] = totals.gain;
        products[at + columns4] = totals.bias;
    }
}
