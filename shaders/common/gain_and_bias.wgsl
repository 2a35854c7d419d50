// A reduction over rows of what concerns four gains and four biases, by one workgroup. Needs workgroup_sum.wgsl.

const INVOCATIONS: u32 = 64u;

struct GainAndBias {
    gain: vec4<f32>,
    bias: vec4<f32>,
}

alias Summand = vec4<f32>;

// The sums over all invocations, in a fixed tree; only invocation 0 has them.
fn sum_of_columns(gain: vec4<f32>, bias: vec4<f32>, invocation: u32) -> GainAndBias {
    return GainAndBias(sum_of_workgroup(gain, invocation), sum_of_workgroup(bias, invocation));
}
