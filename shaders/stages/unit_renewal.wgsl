// The renewal of the units that unit_selection has marked.
//
//   incoming weights = a draw like the initial ones (common/initial_element.wgsl), another for every update
//   incoming bias = 0,   outgoing weights = 0,   the optimiser's moments of all of these = 0
//
// A weight from a renewed unit to a renewed unit of the next layer is drawn.
//
//   configs       [replica]
//   states        [replica]
//   layers        [layers]                shared
//   tensors       [tensors]               shared
//   statistics    [replica, all_units]
//   parameters    [replica, stride]
//   first_moment  like parameters
//   second_moment [replica, second_moments, stride]
//
// Workgroup (i, l) handles unit i of hidden layer l; its invocations take every 64th weight.

struct Params {
    stride: u32,          // elements per replica
    second_moments: u32,
    layers: u32,
    all_units: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layers: array<HiddenLayer>;
@group(0) @binding(4) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(5) var<storage, read> statistics: array<UnitStatistic>;
@group(0) @binding(6) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(7) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(8) var<storage, read_write> second_moment: array<f32>;

const INVOCATIONS: u32 = 64u;

// Sets element `i` of a replica's parameters, and clears its moments.
fn renew(replica: u32, i: u32, element: f32) {
    let at = replica * params.stride + i;
    parameters[at] = element;
    first_moment[at] = 0.0;
    for (var k = 0u; k < params.second_moments; k++) {
        second_moment[(replica * params.second_moments + k) * params.stride + i] = 0.0;
    }
}

fn is_renewed(replica: u32, layer: u32, unit: u32) -> bool {
    return layer < params.layers && unit < layers[layer].units
        && statistics[replica * params.all_units + layers[layer].first_unit + unit].renewed == 1u;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let unit = group.x;
    if !is_renewed(replica, group.y, unit) {
        return;
    }
    let layer = layers[group.y];
    let incoming = tensors[layer.incoming];
    let inputs = incoming.length / incoming.columns;
    for (var row = local.x; row < inputs; row += INVOCATIONS) {
        let i = incoming.start + row * incoming.columns + unit;
        let seed = configs[replica].seed;
        renew(replica, i, initial_element(incoming, seed, STREAM_RENEWAL, states[replica].updates, i));
    }
    if local.x == 0u {
        renew(replica, tensors[layer.incoming + 1u].start + unit, 0.0);
    }
    let outgoing = tensors[layer.outgoing];
    let rows = outgoing.length / outgoing.columns;
    for (var row = unit; row < rows; row += outgoing.copy_rows) {
        for (var column = local.x; column < outgoing.columns; column += INVOCATIONS) {
            if !is_renewed(replica, group.y + 1u, column) {
                renew(replica, outgoing.start + row * outgoing.columns + column, 0.0);
            }
        }
    }
}
