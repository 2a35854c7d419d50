// The segments of a position embedding of the Hessian-vector products (R-operator, with respect to E).
//
//   products[p, :] = sum_b Rd[b, p, :]
//
//   slots             [replica, all slots]
//   tangent_gradients [replica, slots, batch_rows, positions, columns]  Rd
//   products          [replica, products_stride]                        E [positions, columns]
//
// One invocation computes one vec4 of one segment, adding the samples in ascending order; the network's segment and the
// block's are along y.

struct Params {
    batch: u32,
    batch_rows: u32,
    positions: u32,
    columns: u32,
    slots: u32,            // slots that reach the embedding; the last is its own block
    all_slots: u32,
    products_stride: u32,  // vec4s per replica
    network_offset: u32,   // vec4s before the network's segment
    block_offset: u32,     // vec4s before the block's segment
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> tangent_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> products: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let size = params.positions * params.columns / 4u;
    let replica = id.z;
    let is_network = id.y == 0u;
    let slot = select(params.slots - 1u, 0u, is_network);
    if id.x >= size || !is_running(replica, slot) {
        return;
    }
    var sum = vec4<f32>(0.0);
    let first = (replica * params.slots + slot) * params.batch_rows;
    for (var b = 0u; b < params.batch; b++) {
        sum += tangent_gradients[(first + b) * size + id.x];
    }
    let offset = select(params.block_offset, params.network_offset, is_network);
    products[replica * params.products_stride + offset + id.x] = sum;
}
