// The continuation of LOBPCG from an iterate x whose product h = Hx is known: every segment of its direction w, and the
// partial sums over the segment that lobpcg_solve needs.
//
//   w = scale (h - eigenvalue x),   scale = 1 / |h|
//   w.w,   x.w,   p.w,   Hp.w
//
// At a probe's second product there is no previous direction p yet: it becomes zero. In a dual segment one factor of
// each sum is delta, the other its image K delta.
//
//   segments          [segment]                     shared by all replicas
//   slots             [replica, slots]
//   iterates          [replica, stride]             x
//   products          like iterates                 h
//   directions        like iterates                 w
//   previous          like iterates                 p
//   previous_products like iterates                 Hp
//   partials          [replica, segments, PARTIALS] vec4, in the order above
//
// Workgroup (i, s) handles the i-th of PARTIALS equal stretches of segment s, and sums in a fixed tree.

struct Params {
    stride: u32,    // vec4s per replica
    segments: u32,
    slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> segments: array<ProbeSegment>;
@group(0) @binding(2) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(3) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> directions: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> previous: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> previous_products: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> partials: array<vec4<f32>>;

// Writes one vec4 of every vector, and returns that of w.
fn start(slot: ProbeSlot, at: u32) -> vec4<f32> {
    let w = slot.scale * (products[at] - slot.eigenvalue * iterates[at]);
    directions[at] = w;
    if slot.iterations == 2u {
        previous[at] = vec4<f32>(0.0);
        previous_products[at] = vec4<f32>(0.0);
    }
    return w;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let segment = segments[group.y];
    let slot = slots[replica * params.slots + segment.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let stretch = stretch_of(segment, group.x);
    let end = select(0u, stretch.y, is_running);
    var sum = vec4<f32>(0.0);
    for (var i = stretch.x + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + segment.offset + i;
        let image = at + segment.image_offset;
        let w = start(slot, at);
        let w_image = start(slot, image);
        sum += vec4<f32>(
            dot(w, w_image),
            dot(iterates[image], w),
            dot(previous[image], w),
            dot(previous_products[image], w),
        );
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u && is_running {
        partials[(replica * params.segments + group.y) * PARTIALS + group.x] = total;
    }
}
