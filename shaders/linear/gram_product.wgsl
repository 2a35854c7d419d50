// One layer's dual segments of the Hessian-vector products: delta = Rd, and its image K delta.
//
//   slots             [replica, all slots]
//   gram              [replica, batch_rows, batch_rows]               K
//   tangent_gradients [replica, slots, batch_rows, columns]           Rd; the last slots are the dual ones
//   products          [replica, products_stride]                      delta, then K delta
//
// One invocation computes 8 rows by one vec4 of columns in registers. The workgroups along y handle the row tiles of
// the first dual slot, then of the second.

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

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let width4 = params.batch_rows / 4u;
    let replica = group.z;
    let tiles = params.batch_rows / 8u;
    let slot = params.first_dual + group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= columns4 || slots[replica * params.all_slots + slot].status != SLOT_RUNNING {
        return;
    }
    let source = (replica * params.slots + slot) * params.batch_rows * columns4 + id.x;
    let k_first = (replica * params.batch_rows + row) * width4;
    var lower = mat4x4<f32>();
    var upper = mat4x4<f32>();
    for (var k = 0u; k < width4; k++) {
        let first = source + 4u * k * columns4;
        let delta = mat4x4<f32>(
            tangent_gradients[first],
            tangent_gradients[first + columns4],
            tangent_gradients[first + 2u * columns4],
            tangent_gradients[first + 3u * columns4],
        );
        let at = k_first + k;
        lower += delta * mat4x4<f32>(
            gram[at],
            gram[at + width4],
            gram[at + 2u * width4],
            gram[at + 3u * width4],
        );
        upper += delta * mat4x4<f32>(
            gram[at + 4u * width4],
            gram[at + 5u * width4],
            gram[at + 6u * width4],
            gram[at + 7u * width4],
        );
    }
    let segment = select(params.block_offset, params.network_offset, slot == 0u);
    let delta = replica * params.products_stride + segment + row * columns4 + id.x;
    let image = delta + params.batch_rows * columns4;
    for (var i = 0u; i < 4u; i++) {
        let near = source + (row + i) * columns4;
        products[delta + i * columns4] = tangent_gradients[near];
        products[delta + (i + 4u) * columns4] = tangent_gradients[near + 4u * columns4];
        products[image + i * columns4] = lower[i];
        products[image + (i + 4u) * columns4] = upper[i];
    }
}
