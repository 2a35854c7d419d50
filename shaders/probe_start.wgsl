// The part of a slot's start vector that belongs to one layer: random signs of equal size, so that the
// whole vector has norm 1; or, for a warm start, what is there, if anything is.
//
//   configs [replica]
//   slots   [replica, slots]
//   vectors [replica, 2, stride]    blocks, then network; this layer's part
//
// One invocation writes one vec4 of columns of one row. The draw's counter is the place in PyTorch's
// layout (weights [outputs, inputs], then biases). Padding is written as zero.

struct Params {
    vectors_stride: u32,  // vec4s per replica
    offset: u32,          // vec4s before this part
    rows: u32,
    columns: u32,
    inputs: u32,
    outputs: u32,
    half_rows: u32,
    half_inputs: u32,
    slot: u32,
    slots: u32,
    stream_index: u32,    // one for each part
    seed: u32,
    cold: u32,
    magnitude: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(3) var<storage, read_write> vectors: array<vec4<f32>>;

fn element(seed: u32, row: u32, column: u32) -> f32 {
    let in_half = row % params.half_rows;
    let is_bias = row == params.rows;
    if column >= params.outputs || (!is_bias && in_half >= params.half_inputs) {
        return 0.0;
    }
    let input = (row / params.half_rows) * params.half_inputs + in_half;
    let weight = column * params.inputs + input;
    let bias = params.inputs * params.outputs + column;
    let bits = draw(seed, STREAM_PROBE, params.stream_index, select(weight, bias, is_bias));
    return select(-params.magnitude, params.magnitude, bits >= 0x80000000u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let is_warm = params.cold == 0u && slots[id.z * params.slots + params.slot].has_vector != 0u;
    if id.x >= columns4 || is_warm {
        return;
    }
    let seed = configs[id.z].seed + params.seed;
    let column = id.x * 4u;
    vectors[id.z * params.vectors_stride + params.offset + id.y * columns4 + id.x] = vec4<f32>(
        element(seed, id.y, column),
        element(seed, id.y, column + 1u),
        element(seed, id.y, column + 2u),
        element(seed, id.y, column + 3u),
    );
}
