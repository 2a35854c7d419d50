// Stores what a regulariser pulls towards: the reference parameters, or their sorted keys.
//
//   reference = source, bit for bit
//
//   source    [replica, stride]   in vec4s
//   reference like source
//
// One invocation copies one vec4.

struct Params {
    stride: u32,  // vec4s per replica
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> reference: array<vec4<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= params.stride {
        return;
    }
    let at = id.z * params.stride + id.x;
    reference[at] = source[at];
}
