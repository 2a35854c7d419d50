// One layer of a slot's start vector: a random vector of known norm. A warm start keeps the vector of the last probe
// where there is one.
//
// Each pair of elements is a point on a circle of radius `magnitude`, at an angle whose half has a uniform tangent.
// (Random signs would give the same norm, but in a small layer they may happen to be orthogonal to the dominant
// eigenvector: equal for two classes, for example.)
//
//   configs [replica]
//   slots   [replica, slots]
//   vectors [replica, 2, stride]    the blocks' vectors, then the network's
//
// One invocation writes one vec4 of columns of one row. Elements are paired by their places in PyTorch's
// layout (weights [outputs, inputs], then biases); an unpaired last element is +-magnitude. Padding is zero.

struct Params {
    vectors_stride: u32,  // vec4s per replica
    offset: u32,          // vec4s before this layer of this vector
    rows: u32,
    columns: u32,
    inputs: u32,
    outputs: u32,
    half_rows: u32,
    half_inputs: u32,
    slot: u32,
    slots: u32,
    stream_index: u32,    // one for each layer of each vector
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
    let weights = params.inputs * params.outputs;
    let place = select(column * params.inputs + input, weights + column, is_bias);
    let is_second = (place & 1u) == 1u;
    let is_left_over = !is_second && place + 1u == weights + params.outputs;
    let bits = draw(seed, STREAM_PROBE, params.stream_index, place / 2u);
    let t = select(unit_uniform(bits), 0.0, is_left_over);
    let size = params.magnitude * select(1.0 - t * t, 2.0 * t, is_second) / (1.0 + t * t);
    return select(size, -size, (bits & select(1u, 2u, is_second)) != 0u);
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
