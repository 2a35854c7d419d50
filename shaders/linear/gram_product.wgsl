// One layer's dual segments of the Hessian-vector products: delta = Rd, and its image K delta.
//
//   slots             [replica, all slots]
//   gram              [replica, batch_rows, batch_rows]               K
//   tangent_gradients [replica, slots, batch_rows, columns]           Rd; the last slots are the dual ones
//   products          [replica, products_stride]                      delta, then K delta
//
// The workgroups along y handle the row tiles of the first dual slot, then of the second.

struct Params {
    columns: u32,
    batch_rows: u32,
    slots: u32,            // slots that reach this layer
    all_slots: u32,
    first_dual: u32,       // the first slot with a dual segment
    products_stride: u32,  // vec4s per replica
    network_offset: u32,   // vec4s before the network's delta
    block_offset: u32,     // vec4s before the block's delta
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> gram: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> tangent_gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> products: array<vec4<f32>>;

// The vec4s before a slot's delta.
fn segment(replica: u32, slot: u32) -> u32 {
    let offset = select(params.block_offset, params.network_offset, slot == 0u);
    return replica * params.products_stride + offset;
}
