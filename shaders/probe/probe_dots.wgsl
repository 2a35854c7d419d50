// Partial sums of the products that one power iteration needs, over one layer's part of one slot.
//
//   x iterate, p the one before, h = Hx, m the eigenvalue found last:
//   x.h,   h.h,   (h - m x).(h - m x),   p.h
//
// In the form of gradients one factor of each is delta, the other its image K delta. The start vector
// has no delta, so p counts only from the third iteration on.
//
//   slots    [replica, slots]
//   iterates [replica, stride]                  this part: x, and its images `image_offset` behind
//   products like iterates                      h
//   previous like iterates                      p
//   partials [replica, parts, PARTIALS]         vec4, in the order above
//
// Workgroup i sums the i-th of PARTIALS equal stretches, in a fixed tree.

struct Params {
    stride: u32,        // vec4s per replica
    offset: u32,        // vec4s before this part
    length: u32,        // vec4s
    image_offset: u32,  // vec4s from x to its image; 0 where x is a vector
    part: u32,
    parts: u32,
    slot: u32,
    slots: u32,
    momentum: f32,      // 0: there is no p
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> previous: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec4<f32>>;

const INVOCATIONS: u32 = 64u;

var<workgroup> sums: array<vec4<f32>, INVOCATIONS>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let slot = slots[replica * params.slots + params.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let has_previous = params.momentum != 0.0 && slot.iterations >= 2u;
    let eigenvalue = slot.eigenvalue;
    let stretch = (params.length + PARTIALS - 1u) / PARTIALS;
    let end = select(0u, min((group.x + 1u) * stretch, params.length), is_running);
    var sum = vec4<f32>(0.0);
    for (var i = group.x * stretch + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + params.offset + i;
        let image = at + params.image_offset;
        let h = products[at];
        let h_image = products[image];
        let rest = h - eigenvalue * iterates[at];
        let rest_image = h_image - eigenvalue * iterates[image];
        var before = vec4<f32>(0.0);
        if has_previous {
            before = previous[image];
        }
        sum += vec4<f32>(
            dot(iterates[image], h), dot(h, h_image), dot(rest, rest_image), dot(before, h),
        );
    }
    sums[local.x] = sum;
    workgroupBarrier();
    for (var half = INVOCATIONS / 2u; half > 0u; half /= 2u) {
        if local.x < half {
            sums[local.x] += sums[local.x + half];
        }
        workgroupBarrier();
    }
    if local.x == 0u && is_running {
        partials[(replica * params.parts + params.part) * PARTIALS + group.x] = sums[0];
    }
}
