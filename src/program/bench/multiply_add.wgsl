// Measures the peak rate of multiply-adds: eight independent chains of vec4 in registers, without memory until the end.
//
// sums[invocation] = the sum of its chains, so that the compiler cannot remove any.

struct Params {
    rounds: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> sums: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
    // The factor is below 1, so that every chain stays finite. It depends on the invocation, so that the compiler cannot
    // compute it.
    let factor = vec4f(0.5 + 1e-6 * f32(id.x % 64u));
    let addend = vec4f(1.0, 2.0, 3.0, 4.0);
    var a = factor;
    var b = factor + 1.0;
    var c = factor + 2.0;
    var d = factor + 3.0;
    var e = factor + 4.0;
    var f = factor + 5.0;
    var g = factor + 6.0;
    var h = factor + 7.0;
    for (var round = 0u; round < params.rounds; round += 1u) {
        a = a * factor + addend;
        b = b * factor + addend;
        c = c * factor + addend;
        d = d * factor + addend;
        e = e * factor + addend;
        f = f * factor + addend;
        g = g * factor + addend;
        h = h * factor + addend;
    }
    sums[id.x] = a + b + c + d + e + f + g + h;
}
