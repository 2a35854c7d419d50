// Copies the primal segments from `vectors`, which persist between probes, to the iterates, or back.
//
//   segments    [segment]                           shared by all replicas
//   source      [replica, source_stride]            vectors or iterates
//   destination [replica, destination_stride]       the other
//
// One invocation copies one vec4; the segments are along y.

struct Params {
    source_stride: u32,       // vec4s per replica
    destination_stride: u32,
    to_vectors: u32,          // 1: from the iterates to `vectors`
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> segments: array<ProbeSegment>;
@group(0) @binding(2) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> destination: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let segment = segments[id.y];
    if id.x >= segment.length || segment.image_offset != 0u {
        return;
    }
    let to_vectors = params.to_vectors != 0u;
    let source_at = select(segment.vector_offset, segment.offset, to_vectors) + id.x;
    let destination_at = select(segment.offset, segment.vector_offset, to_vectors) + id.x;
    destination[id.z * params.destination_stride + destination_at] =
        source[id.z * params.source_stride + source_at];
}
