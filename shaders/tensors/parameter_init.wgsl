// Draws the initial parameters (common/initial_element.wgsl) and sets the moments to zero.
//
//   configs       [replica]
//   tensors       [tensors]           shared
//   parameters    [replica, stride]
//   first_moment  like parameters
//   second_moment [replica, second_moments, stride]
//
// Workgroup (t, n) fills tile t of tensor n; an invocation takes every 256th element.

struct Params {
    stride: u32,  // elements per replica
    second_moments: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(3) var<storage, read_write> parameters: array<f32>;
@group(0) @binding(4) var<storage, read_write> first_moment: array<f32>;
@group(0) @binding(5) var<storage, read_write> second_moment: array<f32>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    let seed = configs[group.z].seed;
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = group.z * params.stride + i;
        parameters[at] = initial_element(tensor, seed, STREAM_PARAMETERS, 0u, i);
        first_moment[at] = 0.0;
        for (var k = 0u; k < params.second_moments; k++) {
            second_moment[(group.z * params.second_moments + k) * params.stride + i] = 0.0;
        }
    }
}
