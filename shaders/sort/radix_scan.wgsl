// The second third of a pass of the radix sort: turns counts into the positions of each tile's elements with
// each digit, behind all smaller digits and behind the same digit in earlier tiles.
//
//   counts[t, d] <- start + sum_{d' < d} sum_t' counts[t', d'] + sum_{t' < t} counts[t', d]
//
//   configs, states [replica]
//   tensors        [tensors]               shared
//   counts          [replica, tiles, 256]    in place
//
// Workgroup (0, n) handles tensor n, invocation d digit d. Each invocation sums its digit over the tiles, the
// workgroup scans the sums (Hillis and Steele), and each invocation goes through the tiles once more.

struct Params {
    tiles: u32,  // tiles of all tensors
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;

var<workgroup> sums: array<u32, SORT_DIGITS>;

@compute @workgroup_size(SORT_DIGITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    if !is_sorted(configs[replica], states[replica]) {
        return;
    }
    let tensor = tensors[group.y];
    let tiles = (tensor.length + TENSOR_TILE - 1u) / TENSOR_TILE;
    let first = (replica * params.tiles + tensor.first_tile) * SORT_DIGITS + local.x;
    var sum = 0u;
    for (var tile = 0u; tile < tiles; tile++) {
        sum += counts[first + tile * SORT_DIGITS];
    }
    sums[local.x] = sum;
    workgroupBarrier();
    for (var distance = 1u; distance < SORT_DIGITS; distance *= 2u) {
        var below = 0u;
        if local.x >= distance {
            below = sums[local.x - distance];
        }
        workgroupBarrier();
        sums[local.x] += below;
        workgroupBarrier();
    }
    var place = tensor.start + sums[local.x] - sum;
    for (var tile = 0u; tile < tiles; tile++) {
        let count = counts[first + tile * SORT_DIGITS];
        counts[first + tile * SORT_DIGITS] = place;
        place += count;
    }
}
