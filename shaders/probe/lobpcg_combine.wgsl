// One step of LOBPCG: every segment of the next iterate and its directions, by the coefficients a and b that
// lobpcg_solve found, and the partial sums over it that the next step needs. h = Hw.
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
// m and scale are the eigenvalue and the scale before the step, m' and scale' those after it. Every term of w' is of
// the size of w, and so is its rounding error. The rounding error of Hx' - m' x' would be of the size of Hx.
//
// In a dual segment one factor of each sum is delta, the other its image K delta.
//
//   segments          [segment]                     shared by all replicas
//   steps             [replica, slots]
//   products          [replica, stride]             h
//   iterates          like products                 x
//   directions        like products                 w
//   previous          like products                 p
//   previous_products like products                 Hp
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
@group(0) @binding(2) var<storage, read> steps: array<LobpcgStep>;
@group(0) @binding(3) var<storage, read> products: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> iterates: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> directions: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> previous: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> previous_products: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> partials: array<vec4<f32>>;

struct Combined {
    x: vec4<f32>,
    w: vec4<f32>,
    p: vec4<f32>,
    hp: vec4<f32>,
}

// Advances one vec4 of every vector, and returns the results.
fn combine(by: LobpcgStep, at: u32) -> Combined {
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
    let of_x = (by.eigenvalue - by.next_eigenvalue) * x + by.inverse_scale * w;
    let of_w = h - by.next_eigenvalue * w;
    let of_p = hp - by.next_eigenvalue * p;
    next.w = by.next_scale * (by.iterate_x * of_x + by.iterate_w * of_w + by.iterate_p * of_p);
    iterates[at] = next.x;
    directions[at] = next.w;
    previous[at] = next.p;
    previous_products[at] = next.hp;
    return next;
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let segment = segments[group.y];
    let by = steps[replica * params.slots + segment.slot];
    let is_taken = by.is_taken != 0u;
    let stretch = stretch_of(segment, group.x);
    let end = select(0u, stretch.y, is_taken);
    var sum = vec4<f32>(0.0);
    for (var i = stretch.x + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.stride + segment.offset + i;
        let first = combine(by, at);
        var image = first;
        if segment.image_offset != 0u {
            image = combine(by, at + segment.image_offset);
        }
        sum += vec4<f32>(
            dot(first.w, image.w),
            dot(image.x, first.w),
            dot(image.p, first.w),
            dot(image.hp, first.w),
        );
    }
    let total = sum_of_workgroup(sum, local.x);
    if local.x == 0u && is_taken {
        partials[(replica * params.segments + group.y) * PARTIALS + group.x] = total;
    }
}
