// A reduction over segments: workgroup (i, s) sums the i-th of PARTIALS equal stretches of segment s. Needs
// workgroup_sum.wgsl.

const INVOCATIONS: u32 = 64u;

alias Summand = vec4<f32>;

// The first vec4 of a stretch in its segment, and the one after its last.
fn stretch_of(segment: ProbeSegment, number: u32) -> vec2<u32> {
    let size = (segment.length + PARTIALS - 1u) / PARTIALS;
    return vec2<u32>(number * size, min((number + 1u) * size, segment.length));
}
