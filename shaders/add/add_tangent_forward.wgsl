// The tangents of a sum of two values, for every slot that reaches it (R-operator, forward).
//
//   Rz[s, b, :] = R left[s, b, :] + R right[s, b, :]     zero for slots that do not reach a term
//   Ra[s, b, :] = f'(z[b, :]) Rz[s, b, :]                two copies: [f1'(z) Rz, f2'(z) Rz]
//
//   slots          [replica, all slots]
//   left_tangents  [replica, left_slots, batch_rows, columns]
//   right_tangents [replica, right_slots, batch_rows, columns]
//   activations    [replica, batch_rows, columns]        the sum; two copies: 2 columns; where z is kept, z [.., columns]
//   tangents       [replica, slots, batch_rows, columns] Ra; two copies: 2 columns
//   pre_activation_tangents [replica, slots, batch_rows, columns]   Rz; only where z is kept
//
// One invocation computes one vec4 of one slot; the slots are along y.

struct Params {
    batch_rows: u32,
    columns: u32,
    activation: u32,
    slots: u32,        // slots that reach the sum
    left_slots: u32,   // slots that reach a term; 0 where it is the minibatch
    right_slots: u32,
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> left_tangents: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> right_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> tangents: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> pre_activation_tangents: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let size = params.batch_rows * columns4;
    let replica = id.z;
    let slot = id.y;
    if id.x >= size || !is_running(replica, slot) {
        return;
    }
    var rz = vec4<f32>(0.0);
    if slot < params.left_slots {
        rz = left_tangents[(replica * params.left_slots + slot) * size + id.x];
    }
    if slot < params.right_slots {
        rz += right_tangents[(replica * params.right_slots + slot) * size + id.x];
    }
    let row = id.x / columns4;
    let target_row = (replica * params.slots + slot) * params.batch_rows + row;
    write(target_row, replica * params.batch_rows + row, id.x % columns4, rz);
}
