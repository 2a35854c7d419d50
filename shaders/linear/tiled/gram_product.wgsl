// gram_product for GPUs: the same bindings, by tiles (product.wgsl).
//
//   products[s, 0] = Rd[s],  products[s, 1] = K Rd[s]       for the dual segments
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

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = false;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return gram[factors.left + row * (params.batch_rows / 4u) + k4];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    return tangent_gradients[factors.right + k * (params.columns / 4u) + column4];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let replica = group.z;
    let tiles = (params.batch_rows + TILE_ROWS - 1u) / TILE_ROWS;
    let slot = params.first_dual + group.y / tiles;
    if slots[replica * params.all_slots + slot].status != SLOT_RUNNING {
        return;
    }
    let factors = Factors(
        0u,
        replica * params.batch_rows * (params.batch_rows / 4u),
        (replica * params.slots + slot) * params.batch_rows * columns4,
        (group.y % tiles) * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.batch_rows,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var images = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let segment = select(params.block_offset, params.network_offset, slot == 0u);
    let first = replica * params.products_stride + segment;
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            let delta = first + at.x * columns4 + at.y;
            products[delta] = tangent_gradients[factors.right + at.x * columns4 + at.y];
            products[delta + params.batch_rows * columns4] = images[i];
        }
    }
}
