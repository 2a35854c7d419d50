// Hx with momentum, scaled to norm 1, becomes the iterate: one layer's part of one slot.
//
//   slots    [replica, slots]
//   products [replica, stride]
//   iterates like products
//   previous like products      what the iterates were
//
// One invocation does one vec4.

struct Params {
    stride: u32,  // vec4s per replica
    offset: u32,  // vec4s before this part
    length: u32,  // vec4s, images included
    slot: u32,
    slots: u32,
    momentum: f32,  // 0: no iterate before is kept
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> previous: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let slot = slots[id.z * params.slots + params.slot];
    if id.x >= params.length || slot.status != SLOT_RUNNING {
        return;
    }
    let at = id.z * params.stride + params.offset + id.x;
    var next = products[at];
    if slot.momentum != 0.0 {
        next -= slot.momentum * previous[at];
    }
    if params.momentum != 0.0 {
        previous[at] = iterates[at];
    }
    iterates[at] = slot.scale * next;
}
