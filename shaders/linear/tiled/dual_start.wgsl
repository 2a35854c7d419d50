// dual_start for GPUs: the same bindings, by tiles (product.wgsl).
//
//   delta = 0,   image = [a; 1] V
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

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = false;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return inputs[factors.left + row * (params.rows / 4u) + k4];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    return vectors[factors.right + k * (params.columns / 4u) + column4];
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
    let vector = select(params.block_vector, params.network_vector, slot == 0u);
    let matrix = replica * params.vectors_stride + vector;
    let factors = Factors(
        0u,
        replica * params.batch_rows * (params.rows / 4u),
        matrix,
        (group.y % tiles) * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.rows,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var z = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let segment = select(params.block_offset, params.network_offset, slot == 0u);
    let delta = replica * params.iterates_stride + segment;
    let image = delta + params.batch_rows * columns4;
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            let place = at.x * columns4 + at.y;
            iterates[delta + place] = vec4<f32>(0.0);
            iterates[image + place] = z[i] + vectors[matrix + params.rows * columns4 + at.y];
        }
    }
}
