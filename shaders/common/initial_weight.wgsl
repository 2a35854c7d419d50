// Kaiming-uniform weights of one layer: bound (2 u - 1), u = uniform(seed, task, layer, place).
//
// The place is that in PyTorch's layout [outputs, inputs], so the numbers do not depend on ours. Task 0
// draws the initial network, a later task k the fresh network that begins it. Biases and padding are 0.
// Needs rng.wgsl. Twin: src/cpu/initial_weight.rs, bit for bit.

struct WeightShape {
    rows: u32,        // without the bias row
    inputs: u32,      // rows that are not padding
    outputs: u32,     // columns that are not padding
    half_rows: u32,   // CReLU: rows come in two halves, each padded by itself
    half_inputs: u32,
    layer: u32,
    bound: f32,       // sqrt(6 / inputs)
}

fn initial_weight(shape: WeightShape, seed: u32, task: u32, row: u32, column: u32) -> f32 {
    let in_half = row % shape.half_rows;
    let is_padding = in_half >= shape.half_inputs || column >= shape.outputs;
    if row >= shape.rows || is_padding {
        return 0.0;
    }
    let input = (row / shape.half_rows) * shape.half_inputs + in_half;
    // Streams are numbered below 256, so every task has one of its own.
    let stream = STREAM_PARAMETERS + (task << 8u);
    let bits = draw(seed, stream, shape.layer, column * shape.inputs + input);
    return (2.0 * unit_uniform(bits) - 1.0) * shape.bound;
}

// Those of four columns.
fn initial_weights(shape: WeightShape, seed: u32, task: u32, row: u32, column: u32) -> vec4<f32> {
    return vec4<f32>(
        initial_weight(shape, seed, task, row, column),
        initial_weight(shape, seed, task, row, column + 1u),
        initial_weight(shape, seed, task, row, column + 2u),
        initial_weight(shape, seed, task, row, column + 3u),
    );
}
