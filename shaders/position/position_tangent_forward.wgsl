// The tangents of a position embedding, for every slot that reaches it (R-operator, forward).
//
//   Rz[s, b, p, :] = Rx[s, b, p, :]           for slots that reach the input
//                  + RE[s, p, :]              for the network and for the embedding's own block
//   Ra[s, b, p, :] = f'(z[b, p, :]) Rz[s, b, p, :]     two copies: [f1'(z) Rz, f2'(z) Rz]
//
//   slots          [replica, all slots]
//   iterates       [replica, iterates_stride]                   RE [positions, columns]
//   lower_tangents [replica, lower_slots, batch_rows, columns]  Rx; a row is a position of a sample
//   activations    [replica, batch_rows, columns]               two copies: 2 columns; where z is kept, z [.., columns]
//   tangents       [replica, slots, batch_rows, columns]        Ra; two copies: 2 columns
//   pre_activation_tangents [replica, slots, batch_rows, columns]   Rz; only where z is kept
//
// One invocation computes one vec4 of one slot; the slots are along y.

struct Params {
    batch_rows: u32,       // positions of all stored samples
    positions: u32,
    columns: u32,
    activation: u32,
    slots: u32,            // slots that reach the embedding; the last is its own block
    all_slots: u32,
    lower_slots: u32,      // slots that reach the input; 0 where it is a constant
    iterates_stride: u32,  // vec4s per replica
    network_offset: u32,   // vec4s before the network's RE
    block_offset: u32,     // vec4s before the block's RE
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
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
    if slot < params.lower_slots {
        rz = lower_tangents[(replica * params.lower_slots + slot) * size + id.x];
    }
    if slot == 0u || slot + 1u == params.slots {
        let segment = select(params.block_offset, params.network_offset, slot == 0u);
        let in_embedding = id.x % (params.positions * columns4);
        rz += iterates[replica * params.iterates_stride + segment + in_embedding];
    }
    let row = id.x / columns4;
    let target_row = (replica * params.slots + slot) * params.batch_rows + row;
    write(target_row, replica * params.batch_rows + row, id.x % columns4, rz);
}
