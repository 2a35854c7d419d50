// Every segment of the next iterate of power iteration: Hx with momentum, scaled to norm 1.
//
//   segments [segment]                              shared by all replicas
//   slots    [replica, slots]
//   products [replica, stride]                      Hx
//   iterates like products
//   previous like products                          the iterate before
//
// One invocation handles one vec4; the segments are along y.

struct Params {
    stride: u32,    // vec4s per replica
    slots: u32,
    momentum: f32,  // 0: the previous iterate is not stored
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> segments: array<ProbeSegment>;
@group(0) @binding(2) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(3) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> iterates: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> previous: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let segment = segments[id.y];
    let slot = slots[id.z * params.slots + segment.slot];
    if id.x >= segment.length + segment.image_offset || slot.status != SLOT_RUNNING {
        return;
    }
    let at = id.z * params.stride + segment.offset + id.x;
    var next = products[at];
    if slot.momentum != 0.0 {
        next -= slot.momentum * previous[at];
    }
    if params.momentum != 0.0 {
        previous[at] = iterates[at];
    }
    iterates[at] = slot.scale * next;
}
