// The choice of the units that are renewed after an update, from their statistics.
//
// ReDo (Sokar et al., arXiv 2302.12902): every unit with activity_i <= tau mean_j activity_j.
//
// Continual backprop (Dohare et al., Nature 632, 2024, Algorithm 1), with u the mean of the record:
//
//   u_i = decay u_i + (1 - decay) contribution_i,   age_i += 1
//   credit += rate (number of units with age > maturity)
//   while credit >= 1 and there is such a unit: renew that with the smallest u, the first of several;
//     its u = 0, its age = 0, credit -= 1
//
// Self-normalised resets (Farias and Jozefiak, arXiv 2410.20098), with the mean interval m, 1 before the first interval:
//
//   fired: an interval of age + 1 updates ends, age = 0
//   else:  age += 1; where age > m ln(1 / eta), the unit is renewed, an interval of age updates ends, age = 0
//   an interval T ends: n = min(n + 1, window), m += (T - m) / n
//
//   renewals   [replica]
//   states     [replica]
//   layers     [layers]                shared
//   statistics [replica, all_units]    `renewed` is written, 0 where the replica's method is not due
//   records    [replica, all_units]
//   credits    [replica, layers]
//
// Workgroup l handles hidden layer l; an invocation takes every 128th unit. Partial sums are added in a fixed tree.

struct Params {
    layers: u32,
    all_units: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> renewals: array<RenewalSettings>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layers: array<HiddenLayer>;
@group(0) @binding(4) var<storage, read_write> statistics: array<UnitStatistic>;
@group(0) @binding(5) var<storage, read_write> records: array<UnitRecord>;
@group(0) @binding(6) var<storage, read_write> credits: array<f32>;

const INVOCATIONS: u32 = 128u;

var<workgroup> numbers: array<f32, INVOCATIONS>;
var<workgroup> units: array<u32, INVOCATIONS>;
var<workgroup> count: u32;

// `first` and `end` bound the layer's units among those of all replicas.
fn select_dormant(renewal: RenewalSettings, first: u32, end: u32, invocation: u32) {
    var sum = 0.0;
    for (var i = first + invocation; i < end; i += INVOCATIONS) {
        sum += statistics[i].activity;
    }
    numbers[invocation] = sum;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            numbers[invocation] += numbers[invocation + half];
        }
        workgroupBarrier();
    }
    let largest = renewal.threshold * (numbers[0] / f32(end - first));
    for (var i = first + invocation; i < end; i += INVOCATIONS) {
        statistics[i].renewed = select(0u, 1u, statistics[i].activity <= largest);
    }
}

// Advances utilities and ages. Returns the number of units to renew.
fn advance_utilities(renewal: RenewalSettings, credit: u32, first: u32, end: u32, invocation: u32) -> u32 {
    var eligible = 0u;
    for (var i = first + invocation; i < end; i += INVOCATIONS) {
        let utility = renewal.decay * records[i].mean + renewal.one_minus_decay * statistics[i].contribution;
        let age = records[i].age + 1u;
        records[i].mean = utility;
        records[i].age = age;
        eligible += select(0u, 1u, age > renewal.maturity);
    }
    units[invocation] = eligible;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            units[invocation] += units[invocation + half];
        }
        workgroupBarrier();
    }
    if invocation == 0u {
        let total = f32(units[0]);
        let owed = credits[credit] + renewal.rate * total;
        let renewed = clamp(floor(owed), 0.0, total);
        credits[credit] = owed - renewed;
        count = min(u32(renewed), units[0]);
    }
    return workgroupUniformLoad(&count);
}

// Marks the eligible unit with the smallest utility, and restarts its record.
fn select_least_useful(renewal: RenewalSettings, first: u32, end: u32, invocation: u32) {
    var best = end;
    var utility = 0.0;
    for (var i = first + invocation; i < end; i += INVOCATIONS) {
        let record = records[i];
        if record.age > renewal.maturity && (best == end || record.mean < utility) {
            best = i;
            utility = record.mean;
        }
    }
    numbers[invocation] = utility;
    units[invocation] = best;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if invocation < half && units[invocation + half] != end {
            let other = units[invocation + half];
            let is_less = numbers[invocation + half] < numbers[invocation];
            let is_first = numbers[invocation + half] == numbers[invocation] && other < units[invocation];
            if units[invocation] == end || is_less || is_first {
                numbers[invocation] = numbers[invocation + half];
                units[invocation] = other;
            }
        }
        workgroupBarrier();
    }
    let chosen = units[0];
    // The next search begins only after all have read this result.
    workgroupBarrier();
    if chosen != end && (chosen - first) % INVOCATIONS == invocation {
        statistics[chosen].renewed = 1u;
        records[chosen] = UnitRecord(0.0, 0u, 0u);
    }
}

fn with_interval(renewal: RenewalSettings, record: UnitRecord, interval: u32) -> UnitRecord {
    let intervals = min(record.intervals, renewal.window - 1u) + 1u;
    let mean = record.mean + (f32(interval) - record.mean) / f32(intervals);
    return UnitRecord(mean, 0u, intervals);
}

fn select_silent(renewal: RenewalSettings, first: u32, end: u32, invocation: u32) {
    for (var i = first + invocation; i < end; i += INVOCATIONS) {
        var record = records[i];
        let age = record.age + 1u;
        let mean = select(record.mean, 1.0, record.intervals == 0u);
        let fired = statistics[i].fired == 1u;
        let is_renewed = !fired && f32(age) > mean * renewal.threshold;
        if fired || is_renewed {
            records[i] = with_interval(renewal, record, age);
        } else {
            records[i].age = age;
        }
        statistics[i].renewed = select(0u, 1u, is_renewed);
    }
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let layer = layers[group.y];
    let first = replica * params.all_units + layer.first_unit;
    let end = first + layer.units;
    for (var i = first + local.x; i < end; i += INVOCATIONS) {
        statistics[i].renewed = 0u;
    }
    let renewal = renewals[replica];
    if !is_due(renewal, states[replica].updates, states[replica].halted) {
        return;
    }
    if renewal.method == RENEWAL_REDO {
        select_dormant(renewal, first, end, local.x);
    } else if renewal.method == RENEWAL_CONTINUAL_BACKPROP {
        let credit = replica * params.layers + group.y;
        let renewed = advance_utilities(renewal, credit, first, end, local.x);
        for (var k = 0u; k < renewed; k++) {
            select_least_useful(renewal, first, end, local.x);
        }
    } else {
        select_silent(renewal, first, end, local.x);
    }
}
