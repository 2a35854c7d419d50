// A reduction over rows of what concerns four gains and four biases, by one workgroup.

const INVOCATIONS: u32 = 64u;

struct GainAndBias {
    gain: vec4<f32>,
    bias: vec4<f32>,
}

var<workgroup> gain_sums: array<vec4<f32>, INVOCATIONS>;
var<workgroup> bias_sums: array<vec4<f32>, INVOCATIONS>;

// The sums over all invocations, in a fixed tree; only invocation 0 has them.
fn sum_of_columns(gain: vec4<f32>, bias: vec4<f32>, invocation: u32) -> GainAndBias {
    gain_sums[invocation] = gain;
    bias_sums[invocation] = bias;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            gain_sums[invocation] += gain_sums[invocation + half];
            bias_sums[invocation] += bias_sums[invocation + half];
        }
        workgroupBarrier();
    }
    return GainAndBias(gain_sums[invocation], bias_sums[invocation]);
}
