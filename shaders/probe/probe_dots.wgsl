// Partial sums of the products that one power iteration needs, over every segment.
//
//   x iterate, p the previous iterate, h = Hx, m the eigenvalue found last:
//   x.h,   h.h,   (h - m x).(h - m x),   p.h
//
// In a dual segment one factor of each is delta, the other its image K delta. The start vector has no delta, so p
// counts only from the third iteration on.
//
//   segments [segment]                              shared by all replicas
//   slots    [replica, slots]
//   iterates [replica, stride]                      x; in LOBPCG the direction w
//   products like iterates                          h
//   previous like iterates                          p
//   partials [replica, segments, PARTIALS]          vec4, in the order above
//
// Workgroup (i, s) sums the i-th of PARTIALS equal stretches of segment s, in a fixed tree.

struct Params {
    stride: u32,    // vec4s per replica
    segments: u32,
    slots: u32,
    momentum: f32,  // 0: there is no p
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> segments: array<ProbeSegment>;
@group(0) @binding(2) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(3) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> previous: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> partials: array<vec4<f32>>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let segment = segments[group.y];
    let slot = slots[replica * params.slots + segment.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let has_previous = params.momentum != 0.0 && slot.iterations >= 2u;
    let eigenvalue = slot.eigenvalue;
    let stretch = stretch_of(segment, group.x);
    let end = select(0u, stretch.y, is_running);
    var sum = vec4<f32>(0.0);
    for (var i = stretch.x + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + segment.offset + i;
        let image = at + segment.image_offset;
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
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u && is_running {
        partials[(replica * params.segments + group.y) * PARTIALS + group.x] = total;
    }
}
