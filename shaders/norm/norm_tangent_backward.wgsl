// The tangents of the gradients with respect to the input f(z) of a layer normalisation, for every slot that reaches the
// input (R-operator, backward).
//
//   g[b, :]     = gain d[b, :]
//   Rg[s, b, :] = gain Rd[s, b, :] + Rgain[s] d[b, :]        the second term for the network only
//   p[b, :]     = rstd[b] (g - mean(g) - xhat mean(g xhat))
//   Rp[s, b, :] = rstd[b] (Rg - mean(Rg) - Rxhat mean(g xhat) - xhat mean(Rg xhat + g Rxhat) - m p)
//
//   slots                  [replica, all slots]
//   parameters             [replica, stride]                              gain [columns]
//   iterates               [replica, iterates_stride]                     Rgain [columns]
//   normalised             [replica, batch_rows, columns + 4]             xhat, then (rstd, ...)
//   normalised_tangents    [replica, slots, batch_rows, columns + 4]      Rxhat, then (m, ...)
//   output_gradients       [replica, batch_rows, columns]                 d
//   upper                  [replica, upper_slots, batch_rows, columns]    Rd
//   value_tangent_gradients [replica, slots, batch_rows, columns]         Rp
//
// One workgroup handles four rows of one slot, and 16 invocations handle a row, as in norm_forward; the slots are along y.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before the gain
    batch_rows: u32,
    columns: u32,
    units: u32,              // columns that are not padding
    slots: u32,              // slots that reach the input
    upper_slots: u32,        // slots that reach the normalisation
    all_slots: u32,
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's Rgain
    inverse_units: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> normalised_tangents: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> upper: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> value_tangent_gradients: array<vec4<f32>>;

// Where a row's elements begin, in vec4s.
struct Place {
    slot: u32,
    gain: u32,
    direction: u32,
    gradient: u32,
    upper: u32,
}

// g and Rg at vec4 `k` of a row.
fn gradients_at(place: Place, k: u32) -> array<vec4<f32>, 2> {
    let gain = parameters[place.gain + k];
    let d = output_gradients[place.gradient + k];
    var rg = gain * upper[place.upper + k];
    if place.slot == 0u {
        rg += iterates[place.direction + k] * d;
    }
    return array(without_padding(k, gain * d), without_padding(k, rg));
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) invocation: u32,
) {
    let replica = group.z;
    let slot = group.y;
    if !is_running(replica, slot) {
        return;
    }
    let columns4 = params.columns / 4u;
    let lane = invocation % LANES;
    let in_batch = group.x * ROWS + invocation / LANES;
    let sample = replica * params.batch_rows + in_batch;
    let row = (replica * params.slots + slot) * params.batch_rows + in_batch;
    let place = Place(
        slot,
        replica * params.parameters_stride + params.offset,
        replica * params.iterates_stride + params.network_offset,
        sample * columns4,
        ((replica * params.upper_slots + slot) * params.batch_rows + in_batch) * columns4,
    );
    let primal = sample * (columns4 + 1u);
    let tangent = row * (columns4 + 1u);
    var sum = vec4<f32>(0.0);
    for (var k = lane; k < columns4; k += LANES) {
        let g = gradients_at(place, k);
        let xhat = normalised[primal + k];
        let one = vec4<f32>(1.0);
        let mixed = dot(g[1], xhat) + dot(g[0], normalised_tangents[tangent + k]);
        sum += vec4<f32>(dot(g[0], one), dot(g[0], xhat), dot(g[1], one), mixed);
    }
    let means = params.inverse_units * sum_of_row(sum, invocation);
    let rstd = normalised[primal + columns4].x;
    let m = normalised_tangents[tangent + columns4].x;
    for (var k = lane; k < columns4; k += LANES) {
        let g = gradients_at(place, k);
        let xhat = normalised[primal + k];
        let p = rstd * (g[0] - means.x - xhat * means.y);
        let rxhat = normalised_tangents[tangent + k];
        let rp = rstd * (g[1] - means.z - rxhat * means.y - xhat * means.w - m * p);
        value_tangent_gradients[row * columns4 + k] = without_padding(k, rp);
    }
}
