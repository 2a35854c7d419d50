// The tangents of the activations of a layer normalisation, for every slot that reaches it (R-operator, forward).
//
//   Rz[s, b, :] = gain Rxhat[s, b, :]                 for slots that reach the input
//               + Rgain[s] xhat[b, :] + Rbias[s]      for the network and for the normalisation's own block
//   Ra[s, b, :] = f'(z[b, :]) Rz[s, b, :]             two copies: [f1'(z) Rz, f2'(z) Rz]
//
//   slots               [replica, all slots]
//   parameters          [replica, stride]                                gain [columns]
//   iterates            [replica, iterates_stride]                       Rgain [columns], then Rbias [columns]
//   normalised          [replica, batch_rows, columns + 4]               xhat, then (rstd, ...)
//   normalised_tangents [replica, lower_slots, batch_rows, columns + 4]  Rxhat, then (m, ...)
//   activations         [replica, batch_rows, columns]                   two copies: 2 columns; where z is kept, z [.., columns]
//   tangents            [replica, slots, batch_rows, columns]            Ra; two copies: 2 columns
//   pre_activation_tangents [replica, slots, batch_rows, columns]        Rz; only where z is kept
//
// One invocation computes one vec4 of one slot; the slots are along y.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before the gain
    batch_rows: u32,
    columns: u32,
    activation: u32,
    slots: u32,              // slots that reach the normalisation; the last is its own block
    all_slots: u32,
    lower_slots: u32,        // slots that reach the input; 0 where it is a constant
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's Rgain
    block_offset: u32,       // vec4s before the block's Rgain
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> normalised: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> normalised_tangents: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> tangents: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> pre_activation_tangents: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let replica = id.z;
    let slot = id.y;
    if id.x >= params.batch_rows * columns4 || !is_running(replica, slot) {
        return;
    }
    let row = id.x / columns4;
    let k = id.x % columns4;
    let sample = replica * params.batch_rows + row;
    var rz = vec4<f32>(0.0);
    if slot < params.lower_slots {
        let lower_row = (replica * params.lower_slots + slot) * params.batch_rows + row;
        let rxhat = normalised_tangents[lower_row * (columns4 + 1u) + k];
        rz = parameters[replica * params.parameters_stride + params.offset + k] * rxhat;
    }
    if slot == 0u || slot + 1u == params.slots {
        let segment = select(params.block_offset, params.network_offset, slot == 0u);
        let gain = replica * params.iterates_stride + segment + k;
        rz += iterates[gain] * normalised[sample * (columns4 + 1u) + k] + iterates[gain + columns4];
    }
    write((replica * params.slots + slot) * params.batch_rows + row, sample, k, rz);
}
