// Counter-based random numbers: a value is a pure function of (seed, stream, a, b), so nothing is
// stored, nothing is uploaded, and any element can be drawn by any invocation in any order.
// Twin: src/rng.rs, bit for bit.

const STREAM_PARAMETERS: u32 = 1u;
const STREAM_SUBSET: u32 = 2u;
const STREAM_ORDER: u32 = 3u;
const STREAM_LABELS: u32 = 4u;
const STREAM_RELABEL: u32 = 5u;
const STREAM_PROBE: u32 = 6u;
const STREAM_COOLING: u32 = 7u;
const STREAM_BOOTSTRAP: u32 = 8u;
const STREAM_PIXELS: u32 = 9u;
const STREAM_PERTURBATION: u32 = 10u;
const STREAM_SWITCHES: u32 = 11u;
const STREAM_CLASSES: u32 = 12u;
const STREAM_NOISE: u32 = 13u;
const STREAM_GRADUAL: u32 = 14u;
const STREAM_RENEWAL: u32 = 15u;
const STREAM_SPECTRAL: u32 = 16u;
const STREAM_UTILITY: u32 = 17u;
const STREAM_TEACHER_INPUTS: u32 = 18u;
const STREAM_TEACHER_OUTPUTS: u32 = 19u;

const FEISTEL_ROUNDS: u32 = 6u;

// PCG4D of Jarzynski and Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020.
fn pcg4d(input: vec4<u32>) -> vec4<u32> {
    var v = input * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4<u32>(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// The key of a permutation.
fn stream_key(seed: u32, stream: u32, a: u32, b: u32) -> vec4<u32> {
    return pcg4d(vec4<u32>(seed, stream, a, b));
}

// A random word: the last component, which is the best mixed. The low bits of the first are still
// correlated between neighbouring counters.
fn draw(seed: u32, stream: u32, a: u32, b: u32) -> u32 {
    return pcg4d(vec4<u32>(seed, stream, a, b)).w;
}

// Uniform on [0, 1) with 24 bits: exact in f32.
fn unit_uniform(bits: u32) -> f32 {
    return f32(bits >> 8u) * 5.9604644775390625e-8;
}

// The number of bits in each half of the Feistel domain: the smallest h with 4^h >= n.
fn feistel_half_bits(n: u32) -> u32 {
    let bits = 32u - countLeadingZeros(max(n, 2u) - 1u);
    return (bits + 1u) / 2u;
}

// A keyed bijection of 0 .. n - 1: a balanced Feistel network on the next power of four, walked
// along its cycle until it lands inside the range again (fewer than four rounds of it on average).
fn permute(key: vec4<u32>, n: u32, index: u32) -> u32 {
    let half_bits = feistel_half_bits(n);
    let mask = (1u << half_bits) - 1u;
    var value = index;
    loop {
        var left = value >> half_bits;
        var right = value & mask;
        for (var round = 0u; round < FEISTEL_ROUNDS; round++) {
            let mixed = pcg4d(vec4<u32>(right ^ key.w, key.x + round, key.y, key.z)).w;
            let next = left ^ (mixed & mask);
            left = right;
            right = next;
        }
        value = (left << half_bits) | right;
        if value < n {
            break;
        }
    }
    return value;
}
