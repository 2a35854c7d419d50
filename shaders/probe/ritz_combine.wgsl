// One step of the locally optimal method: one layer's part of one slot, by the coefficients a and b that
// ritz_solve found, and the partial sums that the next step needs of it. h = Hw.
//
//   Hx  = m x + w / scale
//   x'  = a1 x + a2 w + a3 p
//   p'  = b1 x + b2 w + b3 p
//   Hp' = b1 Hx + b2 h + b3 Hp
//   w'  = scale' (Hx' - m' x')
//       = scale' (a1 ((m - m') x + w / scale) + a2 (h - m' w) + a3 (Hp - m' p))
//
//   w'.w',   x'.w',   p'.w',   Hp'.w'
//
// m and scale are the eigenvalue and scale before, m' and scale' those of now. Every term of w' is of the size
// of w, and so is its rounding; that of Hx' - m' x' would be of the size of Hx.
//
// In the form of gradients one factor of each sum is delta, the other its image K delta.
//
//   slots             [replica, slots]          scale' and eigenvalue'
//   ritz              [replica, slots]          the rest
//   products          [replica, stride]         this part: h, and its images `image_offset` behind
//   iterates          like products             x
//   directions        like products             w
//   previous          like products             p
//   previous_products like products             Hp
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
@group(0) @binding(2) var<storage, read> ritz: array<Ritz>;
@group(0) @binding(3) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> iterates: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> directions: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> previous: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> previous_products: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> partials: array<vec4<f32>>;

const INVOCATIONS: u32 = 64u;

var<workgroup> sums: array<vec4<f32>, INVOCATIONS>;

struct Combined {
    x: vec4<f32>,
    w: vec4<f32>,
    p: vec4<f32>,
    hp: vec4<f32>,
}

// Advances one vec4 of everything, and returns it.
fn combine(slot: ProbeSlot, by: Ritz, at: u32) -> Combined {
    let x = iterates[at];
    let w = directions[at];
    let p = previous[at];
    let h = products[at];
    let hp = previous_products[at];
    let hx = by.eigenvalue * x + by.inverse_scale * w;
    var next: Combined;
    next.x = by.iterate_x * x + by.iterate_w * w + by.iterate_p * p;
    next.p = by.previous_x * x + by.previous_w * w + by.previous_p * p;
    next.hp = by.previous_x * hx + by.previous_w * h + by.previous_p * hp;
    let of_x = (by.eigenvalue - slot.eigenvalue) * x + by.inverse_scale * w;
    let of_w = h - slot.eigenvalue * w;
    let of_p = hp - slot.eigenvalue * p;
    next.w = slot.scale * (by.iterate_x * of_x + by.iterate_w * of_w + by.iterate_p * of_p);
    iterates[at] = next.x;
    directions[at] = next.w;
    previous[at] = next.p;
    previous_products[at] = next.hp;
    return next;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let slot = slots[replica * params.slots + params.slot];
    let by = ritz[replica * params.slots + params.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let stretch = (params.length + PARTIALS - 1u) / PARTIALS;
    let end = select(0u, min((group.x + 1u) * stretch, params.length), is_running);
    var sum = vec4<f32>(0.0);
    for (var i = group.x * stretch + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + params.offset + i;
        let own = combine(slot, by, at);
        var image = own;
        if params.image_offset != 0u {
            image = combine(slot, by, at + params.image_offset);
        }
        sum += vec4<f32>(
            dot(own.w, image.w), dot(image.x, own.w), dot(image.p, own.w), dot(image.hp, own.w),
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
