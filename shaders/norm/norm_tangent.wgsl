// The tangents of the normalised input of a layer normalisation, for every slot that reaches the input (R-operator,
// forward).
//
//   m[s, b]       = mean(xhat[b, :] Rx[s, b, :])
//   Rxhat[s, b, :] = rstd[b] (Rx[s, b, :] - mean(Rx[s, b, :]) - xhat[b, :] m[s, b])
//
// The tangent of rstd is -rstd^2 m.
//
//   slots               [replica, all slots]
//   normalised          [replica, batch_rows, columns + 4]         xhat, then (rstd, ...)
//   lower_tangents      [replica, slots, batch_rows, columns]      Rx
//   normalised_tangents [replica, slots, batch_rows, columns + 4]  Rxhat, then a vec4 (m, 0, 0, 0)
//
// One workgroup handles four rows of one slot, and 16 invocations handle a row, as in norm_forward; the slots are along y.

struct Params {
    batch_rows: u32,
    columns: u32,
    units: u32,       // columns that are not padding
    slots: u32,       // slots that reach the input
    all_slots: u32,
    inverse_units: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> normalised_tangents: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let replica = group.z;
    if !is_running(replica, group.y) {
        return;
    }
    let columns4 = params.columns / 4u;
    let lane = invocation % LANES;
    let in_batch = group.x * ROWS + invocation / LANES;
    let source = (replica * params.batch_rows + in_batch) * (columns4 + 1u);
    let row = (replica * params.slots + group.y) * params.batch_rows + in_batch;
    var sum = vec4<f32>(0.0);
    for (var k = lane; k < columns4; k += LANES) {
        let rx = without_padding(k, lower_tangents[row * columns4 + k]);
        sum.x += dot(rx, vec4<f32>(1.0));
        sum.y += dot(rx, normalised[source + k]);
    }
    let means = params.inverse_units * sum_of_row(sum, invocation);
    let rstd = normalised[source + columns4].x;
    let target_row = row * (columns4 + 1u);
    for (var k = lane; k < columns4; k += LANES) {
        let rx = lower_tangents[row * columns4 + k];
        let rxhat = rstd * (rx - means.x - normalised[source + k] * means.y);
        normalised_tangents[target_row + k] = without_padding(k, rxhat);
    }
    if lane == 0u {
        normalised_tangents[target_row + columns4] = vec4<f32>(means.y, 0.0, 0.0, 0.0);
    }
}
