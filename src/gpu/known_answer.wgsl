// A computation with a known answer, of what the kernels rely on: wrapping integer arithmetic, exact sums of small whole
// numbers, loops, workgroup memory and barriers. It assumes nothing about which lanes run together.
//
// answers[invocation] = (16 rounds of a hash of the invocation's word, the bits of a sum over the workgroup). A lane adds
// round * (hash & 255) in every round. All sums are below 2^24, so that they are exact in any order.

@group(0) @binding(0) var<storage, read> words: array<u32>;
@group(0) @binding(1) var<storage, read_write> answers: array<vec2u>;

var<workgroup> sums: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
    var hash = words[id.x];
    var sum = 0.0;
    for (var round = 0u; round < 16u; round += 1u) {
        hash = hash * 747796405u + 2891336453u;
        hash = hash ^ (hash >> 16u);
        sum += f32(round) * f32(hash & 255u);
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = 32u; width > 0u; width /= 2u) {
        if lane < width {
            sums[lane] += sums[lane + width];
        }
        workgroupBarrier();
    }
    answers[id.x] = vec2u(hash, bitcast<u32>(sums[0]));
}
