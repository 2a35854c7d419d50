// The end of a power iteration: vectors of length 1, and the slope of the spectral regulariser along them.
//
//   sigma        = |next_outputs| / |inputs|
//   inputs       = inputs / |inputs|
//   next_outputs = next_outputs / |next_outputs|
//   slopes[r, m] = 4 spectral (sigma^2 - 1) sigma
//
//   configs, states [replica]
//   matrices        [matrices]           shared
//   outputs         [replica, columns]   the vectors of the step before
//   inputs          [replica, rows]
//   next_outputs    [replica, columns]
//   slopes          [replica, matrices]
//
// The slope is 0, and next_outputs are the outputs of the step before, where a vector has no length or one that overflows,
// as that of a matrix of zeros, and in replicas that do not use the regulariser or are halted.
//
// Workgroup m handles matrix m. An invocation adds every 256th square; then the invocations are added in a fixed tree.

struct Params {
    rows: u32,      // rows of all matrices
    columns: u32,   // columns of all matrices
    matrices: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(4) var<storage, read> outputs: array<f32>;
@group(0) @binding(5) var<storage, read_write> inputs: array<f32>;
@group(0) @binding(6) var<storage, read_write> next_outputs: array<f32>;
@group(0) @binding(7) var<storage, read_write> slopes: array<f32>;

const INVOCATIONS: u32 = 256u;

alias Summand = vec2<f32>;  // the squares of inputs and of next_outputs

var<workgroup> squares: vec2<f32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let matrix = matrices[group.x];
    let first_input = replica * params.rows + matrix.first_row;
    let first_output = replica * params.columns + matrix.first_column;
    var square = vec2<f32>(0.0);
    for (var i = local.x; i < matrix.rows; i += INVOCATIONS) {
        square.x += inputs[first_input + i] * inputs[first_input + i];
    }
    for (var i = local.x; i < matrix.columns; i += INVOCATIONS) {
        square.y += next_outputs[first_output + i] * next_outputs[first_output + i];
    }
    let total = sum_of_workgroup(square, local.x);
    if local.x == 0u {
        squares = total;
    }
    workgroupBarrier();
    let lengths = sqrt(squares);
    let spectral = configs[replica].spectral;
    let is_used = spectral != 0.0 && states[replica].halted == RUNNING;
    let has_lengths = lengths.x > 0.0 && lengths.y > 0.0 && is_finite(lengths.x) && is_finite(lengths.y);
    let is_good = is_used && has_lengths;
    for (var i = local.x; i < matrix.columns; i += INVOCATIONS) {
        let at = first_output + i;
        if is_good {
            next_outputs[at] /= lengths.y;
        } else {
            next_outputs[at] = outputs[at];
        }
    }
    if is_good {
        for (var i = local.x; i < matrix.rows; i += INVOCATIONS) {
            inputs[first_input + i] /= lengths.x;
        }
    }
    if local.x == 0u {
        let sigma = lengths.y / lengths.x;
        let slope = 4.0 * spectral * (sigma * sigma - 1.0) * sigma;
        slopes[replica * params.matrices + group.x] = select(0.0, slope, is_good);
    }
}
