// A reduction over segments: workgroup (i, s) sums the i-th of PARTIALS equal stretches of segment s.

const INVOCATIONS: u32 = 64u;

var<workgroup> sums: array<vec4<f32>, INVOCATIONS>;

// The first vec4 of a stretch in its segment, and the one after its last.
fn stretch_of(segment: ProbeSegment, number: u32) -> vec2<u32> {
    let size = (segment.length + PARTIALS - 1u) / PARTIALS;
    return vec2<u32>(number * size, min((number + 1u) * size, segment.length));
}

// The sum of all invocations' sums, in a fixed tree; only invocation 0 has it.
fn sum_of_workgroup(sum: vec4<f32>, invocation: u32) -> vec4<f32> {
    sums[invocation] = sum;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if invocation < half {
            sums[invocation] += sums[invocation + half];
        }
        workgroupBarrier();
    }
    return sums[invocation];
}
