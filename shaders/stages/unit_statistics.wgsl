// The statistics of the units of one hidden layer over the minibatch of the latest step, for methods that renew units.
//
//   activity[i] = 1/B sum_c sum_b |h[b, c, i]|
//   contribution[i] = 1/B sum_c (sum_b |h[b, c, i]|) (sum_k |w[c, i, k]|)
//   fired[i] = 1 where h[b, c, i] > 0 for any b and c, else 0
//
// h are the activations of the step, with copies c; w are the weights of the operation that reads them, after the update.
//
//   renewals    [replica]
//   states      [replica]
//   activations [replica, batch_rows, copies, padded_units]
//   parameters  [replica, parameters_stride]     w from element `outgoing` on, [copies, padded_units, outputs]
//   statistics  [replica, all_units]             the field `renewed` is left alone
//
// A replica whose method is not due is left alone. A workgroup handles 8 units, with 16 invocations each: invocation l takes
// every 16th sample and every 16th output, in that order, and the 16 partial sums are added in a fixed tree. Copies are
// added in their order.

struct Params {
    parameters_stride: u32,  // elements per replica
    outgoing: u32,           // elements before w
    outputs: u32,            // padded
    batch: u32,
    batch_rows: u32,
    copies: u32,
    padded_units: u32,
    units: u32,
    first_unit: u32,         // units of the hidden layers before this one
    all_units: u32,          // units of all hidden layers
    inverse_batch: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> renewals: array<RenewalSettings>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> activations: array<f32>;
@group(0) @binding(4) var<storage, read> parameters: array<f32>;
@group(0) @binding(5) var<storage, read_write> statistics: array<UnitStatistic>;

const UNITS: u32 = 8u;
const LANES: u32 = 16u;

// Sums of |h|, of |w|, and of the positive h.
var<workgroup> sums: array<vec4<f32>, UNITS * LANES>;

fn partial_sums(replica: u32, copy: u32, unit: u32, lane: u32) -> vec4<f32> {
    var sum = vec4<f32>(0.0);
    if unit >= params.units {
        return sum;
    }
    let row = copy * params.padded_units + unit;
    let columns = params.copies * params.padded_units;
    for (var sample = lane; sample < params.batch; sample += LANES) {
        let h = activations[(replica * params.batch_rows + sample) * columns + row];
        sum += vec4<f32>(abs(h), 0.0, max(h, 0.0), 0.0);
    }
    let weights = replica * params.parameters_stride + params.outgoing + row * params.outputs;
    for (var output = lane; output < params.outputs; output += LANES) {
        sum.y += abs(parameters[weights + output]);
    }
    return sum;
}

@compute @workgroup_size(UNITS * LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    if !is_due(renewals[replica], states[replica].updates, states[replica].halted) {
        return;
    }
    let unit = group.x * UNITS + local.x % UNITS;
    let lane = local.x / UNITS;
    var statistic = vec3<f32>(0.0);
    for (var copy = 0u; copy < params.copies; copy++) {
        sums[local.x] = partial_sums(replica, copy, unit, lane);
        workgroupBarrier();
        for (var half = LANES / 2u; half > 0u; half /= 2u) {
            if lane < half {
                sums[local.x] += sums[local.x + half * UNITS];
            }
            workgroupBarrier();
        }
        // Invocations of lane 0 have the sums of their units; only they read them.
        let sum = sums[local.x];
        statistic += vec3<f32>(sum.x, sum.x * sum.y, sum.z);
    }
    if lane == 0u && unit < params.units {
        let at = replica * params.all_units + params.first_unit + unit;
        statistics[at].activity = statistic.x * params.inverse_batch;
        statistics[at].contribution = statistic.y * params.inverse_batch;
        statistics[at].fired = select(0u, 1u, statistic.z > 0.0);
    }
}
