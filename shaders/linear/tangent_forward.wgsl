// The tangents of one layer's activations, for every slot that reaches the layer (Pearlmutter's R-operator, forward).
//
//   Rz[s, b, :] = Ra_below[s, b, :] W            for slots that reach the layer's input
//               + [a_below[b, :]; 1] V[s]        for the network and for this layer's own block
//   Ra[s, b, :] = f'(z[b, :]) Rz[s, b, :]        two copies: [f1'(z) Rz, f2'(z) Rz]
//
//   slots          [replica, all slots]
//   parameters     [replica, stride]                     this layer's tensors
//   lower_tangents [replica, lower_slots, batch_rows, rows]     none where the input is the minibatch
//   inputs         [replica, batch_rows, rows]
//   iterates       [replica, iterates_stride]            V, or the image K delta where the segment is dual
//   activations    [replica, batch_rows, columns]        two copies: 2 columns; where z is kept, z [.., columns]
//   tangents       [replica, slots, batch_rows, columns] Ra; two copies: 2 columns
//   pre_activation_tangents [replica, slots, batch_rows, columns]   Rz; only where z is kept
//
// Terms that are zero are skipped. The slots from `first_dual` on have a dual segment here: for them [a_below; 1] V is
// the image K delta, which is known.
//
// The workgroups along y handle the row tiles of slot 0, then of slot 1, ...

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,
    slots: u32,              // slots that reach this layer; the last is the layer's own block
    all_slots: u32,
    lower_slots: u32,        // slots that reach the input; 0 where it is the minibatch
    first_dual: u32,         // `slots` when no segment of the layer is dual
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's V or image
    block_offset: u32,       // vec4s before the block's V or image
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> tangents: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> pre_activation_tangents: array<vec4<f32>>;

// The vec4s before a slot's V or image.
fn segment(replica: u32, slot: u32) -> u32 {
    let offset = select(params.block_offset, params.network_offset, slot == 0u);
    return replica * params.iterates_stride + offset;
}
