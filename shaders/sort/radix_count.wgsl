// The first third of a pass of the radix sort: the number of occurrences of each digit in each tile.
//
//   counts[tile, d] = #{ i in tile : (keys[i] >> shift) & 255 = d }
//
//   configs, states [replica]
//   tensors        [tensors]               shared
//   keys            [replica, stride]
//   counts          [replica, tiles, 256]    a tensor's tiles one after the other
//
// Workgroup (t, n) counts tile t of tensor n in a histogram, which is zero at first because WGSL clears workgroup
// memory. It uses atomic additions of integers, whose order does not matter.

struct Params {
    stride: u32,  // elements per replica
    tiles: u32,   // tiles of all tensors
    shift: u32,   // of the digit: 0, 8, 16, 24
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read> keys: array<u32>;
@group(0) @binding(5) var<storage, read_write> counts: array<u32>;

var<workgroup> histogram: array<atomic<u32>, SORT_DIGITS>;

@compute @workgroup_size(SORT_DIGITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    if tile.x == tile.y || !is_sorted(configs[replica], states[replica]) {
        return;
    }
    for (var i = tile.x + local.x; i < tile.y; i += SORT_DIGITS) {
        let digit = (keys[replica * params.stride + i] >> params.shift) % SORT_DIGITS;
        atomicAdd(&histogram[digit], 1u);
    }
    workgroupBarrier();
    let row = replica * params.tiles + tensor.first_tile + group.x;
    counts[row * SORT_DIGITS + local.x] = atomicLoad(&histogram[local.x]);
}
