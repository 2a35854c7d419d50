// Start vectors: random vectors of norm 1. A warm start keeps the vector of the last probe where there is one.
//
// Each pair of elements is a point on a circle of radius `magnitude`, at an angle whose half has a uniform tangent.
// (Random signs would give the same norm, but in a small layer they may happen to be orthogonal to the dominant
// eigenvector: equal for two classes, for example.)
//
//   configs  [replica]
//   slots    [replica, blocks + 1]
//   segments [2 blocks]               shared; the network's, then the blocks'
//   tensors  [tensors]                shared
//   vectors  [replica, 2, stride]     the blocks' vectors, then the network's
//
// Workgroup (t, n) draws tile t of tensor n of the network's vector, and of the blocks' vectors from n = tensors on; an
// invocation takes every 256th element. Elements are paired by their places in the block, tensor by tensor in PyTorch's
// order; an unpaired last element is +-magnitude. Padding is zero.

struct Params {
    stride: u32,   // elements of a replica's parameters
    tensors: u32,
    blocks: u32,
    seed: u32,
    cold: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(3) var<storage, read> segments: array<ProbeSegment>;
@group(0) @binding(4) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(5) var<storage, read_write> vectors: array<f32>;

const INVOCATIONS: u32 = 256u;

// Stored element `i` of a tensor.
fn element(tensor: TensorLayout, segment: ProbeSegment, seed: u32, i: u32) -> f32 {
    let in_tensor = place_of(tensor, i);
    if in_tensor == PADDING {
        return 0.0;
    }
    let place = tensor.first_place + in_tensor;
    let is_second = (place & 1u) == 1u;
    let is_left_over = !is_second && place + 1u == segment.parameters;
    // Every segment has a stream of its own.
    let bits = draw(seed, STREAM_PROBE, segment.slot * params.blocks + tensor.block, place / 2u);
    let t = select(unit_uniform(bits), 0.0, is_left_over);
    let size = segment.magnitude * select(1.0 - t * t, 2.0 * t, is_second) / (1.0 + t * t);
    return select(size, -size, (bits & select(1u, 2u, is_second)) != 0u);
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let is_block = group.y / params.tensors;
    let tensor = tensors[group.y % params.tensors];
    let segment = segments[is_block * params.blocks + tensor.block];
    let slot = replica * (params.blocks + 1u) + segment.slot;
    if params.cold == 0u && slots[slot].has_vector != 0u {
        return;
    }
    let seed = configs[replica].seed + params.seed;
    let vector = (2u * replica + 1u - is_block) * params.stride;
    let tile = tile_range(tensor, group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        vectors[vector + i] = element(tensor, segment, seed, i);
    }
}
