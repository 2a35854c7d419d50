// The last third of a pass of the radix sort: moves every element to its position, equal digits in their old order.
//
//   sorted_keys[p], sorted_payloads[p] = keys[i], payloads[i]
//   p = places[tile, d] + #{ j in tile, j < i : digit of j = d },   d the digit of i
//
//   configs, states  [replica]
//   tensors         [tensors]               shared
//   places           [replica, tiles, 256]
//   keys, payloads, sorted_keys, sorted_payloads [replica, stride]
//
// Workgroup (t, n) goes through tile t of tensor n, 256 elements a round. In a round, one mask for each bit of the
// digit marks the elements that have the bit set. The elements with the same digit are those that all masks or their
// complements mark; each invocation counts those before its own element.

struct Params {
    stride: u32,  // elements per replica
    tiles: u32,   // tiles of all tensors
    shift: u32,   // of the digit: 0, 8, 16, 24
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(4) var<storage, read> places: array<u32>;
@group(0) @binding(5) var<storage, read> keys: array<u32>;
@group(0) @binding(6) var<storage, read> payloads: array<u32>;
@group(0) @binding(7) var<storage, read_write> sorted_keys: array<u32>;
@group(0) @binding(8) var<storage, read_write> sorted_payloads: array<u32>;

const INVOCATIONS: u32 = SORT_DIGITS;
const WORDS: u32 = 8u;   // words of a mask: one bit for each invocation
const BITS: u32 = 9u;    // bits of a digit, and one more that every element has
const PRESENT: u32 = 256u;

var<workgroup> next: array<u32, SORT_DIGITS>;
var<workgroup> masks: array<atomic<u32>, 72>;  // [BITS, WORDS]

// The mask of the elements 32 word ... 32 word + 31 of the round that have the given digit.
fn matches(digit: u32, word: u32) -> u32 {
    var result = 0xffffffffu;
    for (var b = 0u; b < BITS; b++) {
        let mask = atomicLoad(&masks[b * WORDS + word]);
        result &= select(~mask, mask, ((digit >> b) & 1u) == 1u);
    }
    return result;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    if tile.x == tile.y || !is_sorted(configs[replica], states[replica]) {
        return;
    }
    let row = replica * params.tiles + tensor.first_tile + group.x;
    next[local.x] = places[row * SORT_DIGITS + local.x];
    let own_word = local.x / 32u;
    let own_bit = 1u << (local.x % 32u);
    for (var first = tile.x; first < tile.y; first += INVOCATIONS) {
        let at = replica * params.stride + first + local.x;
        let is_present = first + local.x < tile.y;
        var digit = 0u;
        if is_present {
            digit = PRESENT + (keys[at] >> params.shift) % SORT_DIGITS;
        }
        if local.x < BITS * WORDS {
            atomicStore(&masks[local.x], 0u);
        }
        workgroupBarrier();
        for (var b = 0u; b < BITS; b++) {
            if ((digit >> b) & 1u) == 1u {
                atomicOr(&masks[b * WORDS + own_word], own_bit);
            }
        }
        workgroupBarrier();
        var before = 0u;
        var equal = 0u;
        for (var word = 0u; word < WORDS; word++) {
            let same = matches(digit, word);
            let earlier = select(0u, 0xffffffffu, word < own_word)
                | select(0u, own_bit - 1u, word == own_word);
            before += countOneBits(same & earlier);
            equal += countOneBits(same);
        }
        let place = next[digit % SORT_DIGITS] + before;
        workgroupBarrier();
        if is_present {
            sorted_keys[replica * params.stride + place] = keys[at];
            sorted_payloads[replica * params.stride + place] = payloads[at];
            if before + 1u == equal {
                next[digit % SORT_DIGITS] = place + 1u;
            }
        }
    }
}
