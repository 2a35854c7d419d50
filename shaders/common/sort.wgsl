// What the sort of parameter tensors works on. Twins: src/plan/sort.rs (layout), src/cpu/sort.rs.

// One parameter tensor, a layer's weight matrix or its bias: a contiguous stretch as it is stored.
struct SortSegment {
    start: u32,        // elements of a replica's parameters before it
    length: u32,       // elements stored, padding included
    count: u32,        // elements that are not padding
    first_tile: u32,   // tiles of the segments before it
    columns: u32,
    outputs: u32,      // columns that are not padding
    half_rows: u32,    // CReLU: rows come in two halves, each padded by itself
    half_inputs: u32,  // rows of a half that are not padding
}

const SORT_TILE: u32 = 4096u;    // elements that one workgroup works on
const SORT_DIGITS: u32 = 256u;   // values of a digit: 8 bits of the key
const SORT_PADDING: u32 = 0xffffffffu;

const SIGN: u32 = 0x80000000u;

// The first element of a segment's tile and the one after its last; none where there is no such tile.
fn tile_range(segment: SortSegment, tile: u32) -> vec2<u32> {
    let first = min(tile * SORT_TILE, segment.length);
    return segment.start + vec2<u32>(first, min(first + SORT_TILE, segment.length));
}

// Unsigned order of keys is the total order of floats: -inf, -1, -0, 0, 1, inf.
fn key_of(bits: u32) -> u32 {
    return bits ^ select(SIGN, 0xffffffffu, (bits & SIGN) != 0u);
}

fn float_of(key: u32) -> f32 {
    return bitcast<f32>(key ^ select(0xffffffffu, SIGN, (key & SIGN) != 0u));
}

// Only replicas in training with a Wasserstein regulariser are sorted.
fn is_sorted(config: ReplicaConfig, state: ReplicaState) -> bool {
    return config.wasserstein != 0.0 && state.halted == RUNNING;
}
