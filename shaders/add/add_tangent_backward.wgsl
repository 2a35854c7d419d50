// The tangents of the gradients with respect to the pre-activations of one term of a sum, for every slot that reaches the
// term (R-operator, backward).
//
//   Rd_term[s, b, :] = f'(z) Rd[s, b, :] + f''(z) Rz[s, b, :] d[b, :]
//
//   slots             [replica, all slots]
//   activations       [replica, batch_rows, columns]               the term; where z is kept, its z
//   lower_tangents    [replica, slots, batch_rows, columns]        Ra of the term; where z is kept, Rz
//   output_gradients  [replica, batch_rows, columns]               d
//   upper             [replica, upper_slots, batch_rows, columns]  Rd
//   lower             [replica, slots, batch_rows, columns]        Rd_term
//
// One invocation computes one vec4 of one slot; the slots are along y.

struct Params {
    batch_rows: u32,
    columns: u32,
    activation: u32,   // the activation of the term
    slots: u32,        // slots that reach the term
    upper_slots: u32,  // slots that reach the sum
    all_slots: u32,
    accumulate: u32,   // 1: adds to `lower`, which another reader of the term has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> upper: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> lower: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = params.batch_rows * params.columns / 4u;
    let replica = id.z;
    let slot = id.y;
    if id.x >= size || !is_running(replica, slot) {
        return;
    }
    let kind = activation();
    let sample_at = replica * size + id.x;
    let at = (replica * params.slots + slot) * size + id.x;
    let x = activations[sample_at];
    var rd = derivative(kind, x) * upper[(replica * params.upper_slots + slot) * size + id.x];
    if is_curved(kind) {
        rd += second_derivative(kind, x) * lower_tangents[at] * output_gradients[sample_at];
    }
    if params.accumulate != 0u {
        rd += lower[at];
    }
    lower[at] = rd;
}
