// The start vectors of one layer's dual segments: no sample gradients yet, delta = 0, and the image [a; 1] V.
//
//   slots    [replica, all slots]
//   inputs   [replica, batch_rows, rows]                 a
//   vectors  [replica, vectors_stride]                   V
//   iterates [replica, iterates_stride]                  delta, then the image
//
// The workgroups along y handle the row tiles of the first dual slot, then of the second.

struct Params {
    vectors_stride: u32,     // vec4s per replica
    network_vector: u32,     // vec4s before the network's V
    block_vector: u32,       // vec4s before the block's V
    rows: u32,
    columns: u32,
    batch_rows: u32,
    slots: u32,              // slots that reach this layer; the last is the layer's own block
    all_slots: u32,
    first_dual: u32,         // the first slot with a dual segment
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's delta
    block_offset: u32,       // vec4s before the block's delta
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> iterates: array<vec4<f32>>;

// The vec4s before a slot's V.
fn vector(replica: u32, slot: u32) -> u32 {
    let offset = select(params.block_vector, params.network_vector, slot == 0u);
    return replica * params.vectors_stride + offset;
}

// The vec4s before a slot's delta.
fn segment(replica: u32, slot: u32) -> u32 {
    let offset = select(params.block_offset, params.network_offset, slot == 0u);
    return replica * params.iterates_stride + offset;
}

// Writes a vec4 of delta to `at`, and z to its image.
fn write(at: u32, z: vec4<f32>) {
    iterates[at] = vec4<f32>(0.0);
    iterates[at + params.batch_rows * (params.columns / 4u)] = z;
}
