// The locally optimal method goes on from an iterate x whose product h = Hx is at hand: one layer's part of
// one slot, and the partial sums that ritz_solve needs of it.
//
//   w = scale (h - eigenvalue x)
//   w.w,   x.w,   p.w,   Hp.w
//
// scale is 1 / |h|. At a probe's second product there is no p yet: it becomes zero. In the form of gradients one
// factor of each sum is delta, the other its image K delta.
//
//   slots             [replica, slots]
//   iterates          [replica, stride]         this part: x, and its images `image_offset` behind
//   products          like iterates             h
//   directions        like iterates             w
//   previous          like iterates             p
//   previous_products like iterates             Hp
//   partials          [replica, parts, PARTIALS]      vec4, in the order above
//
// Workgroup i does the i-th of PARTIALS equal stretches, and sums in a fixed tree.

struct Params {
    stride: u32,        // vec4s per replica
    offset: u32,        // vec4s before this part
    length: u32,        // vec4s
    image_offset: u32,  // vec4s from x to its image; 0 where x is a vector
    part: u32,
    parts: u32,
    slot: u32,
    slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> directions: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> previous: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> previous_products: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> partials: array<vec4<f32>>;

const INVOCATIONS: u32 = 64u;

var<workgroup> sums: array<vec4<f32>, INVOCATIONS>;

// Writes one vec4, and returns that of w.
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
    let slot = slots[replica * params.slots + params.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let stretch = (params.length + PARTIALS - 1u) / PARTIALS;
    let end = select(0u, min((group.x + 1u) * stretch, params.length), is_running);
    var sum = vec4<f32>(0.0);
    for (var i = group.x * stretch + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + params.offset + i;
        let image = at + params.image_offset;
        let w = start(slot, at);
        let w_image = start(slot, image);
        sum += vec4<f32>(
            dot(w, w_image),
            dot(iterates[image], w),
            dot(previous[image], w),
            dot(previous_products[image], w),
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
