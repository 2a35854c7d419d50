// What a replica resets when its next task begins: moments, the optimiser's update count and bias
// corrections, and where it is to be a fresh network also the parameters (common/initial_weight.wgsl).
//
//   configs       [replica]
//   states        [replica]
//   parameters    [replica, rows + 1, columns]   this layer's part; row `rows` is the bias
//   first_moment  like parameters
//   second_moment like parameters
//
// Runs for every layer right after step_finish. One invocation resets one vec4 of columns of one row;
// the first one of layer 0 resets the state, in what no other invocation reads.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    columns: u32,
    rows: u32,               // this and the following: WeightShape
    inputs: u32,
    outputs: u32,
    half_rows: u32,
    half_inputs: u32,
    layer: u32,
    bound: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> second_moment: array<vec4<f32>>;

fn shape() -> WeightShape {
    return WeightShape(
        params.rows, params.inputs, params.outputs, params.half_rows, params.half_inputs,
        params.layer, params.bound,
    );
}

// Whether the step that just ended was its task's last.
fn task_begins(replica: u32) -> bool {
    let at_start = states[replica].epoch == 0u && states[replica].batch == 0u;
    return at_start && states[replica].updates > 0u && states[replica].halted == RUNNING;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    let row = id.y;
    let columns4 = params.columns / 4u;
    let config = configs[replica];
    if id.x >= columns4 || config.at_task_switch == SWITCH_CARRY || !task_begins(replica) {
        return;
    }
    let at = replica * params.parameters_stride + params.offset + row * columns4 + id.x;
    first_moment[at] = vec4<f32>(0.0);
    second_moment[at] = vec4<f32>(0.0);
    if config.at_task_switch == SWITCH_FRESH_NETWORK {
        let task = states[replica].task;
        parameters[at] = initial_weights(shape(), config.seed, task, row, id.x * 4u);
    }
    if params.layer == 0u && row == 0u && id.x == 0u {
        states[replica].optimiser_updates = 0u;
        states[replica].correction1 = config.one_minus_beta1;
        states[replica].correction2 = config.one_minus_beta2;
    }
}
