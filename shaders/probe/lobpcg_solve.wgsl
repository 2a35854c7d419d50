// The dominant eigenpair of H in the span of x, w and p, for every eigenproblem: the Rayleigh-Ritz step of LOBPCG
// (Knyazev, SIAM J. Sci. Comput. 2001) with one vector and without a preconditioner.
//
// w = scale (Hx - lambda x), so Hx is in the span of x and w; x.x = p.p = 1, x.p = x.Hp = 0. With
//
//   e1 = x,   e2 = (w - (x.w) x) / n2,   e3 = (p - c e2) / n3,   c = p.e2
//
// orthonormal, T = E'HE has these entries, T13 = 0, and an eigenvector u of its eigenvalue of largest absolute value:
//
//   T11 = lambda + x.w / scale
//   T12 = n2 / scale
//   T22 = (w.Hw - 2 (x.w) (x.Hw) + (x.w)^2 T11) / n2^2,   x.Hw = lambda x.w + w.w / scale
//   T23 = (e2.Hp - c T22) / n3,                            e2.Hp = w.Hp / n2
//   T33 = (p.Hp - 2 c e2.Hp + c^2 T22) / n3^2
//
//   next x = E u
//   next p = E (-s, u1 u2 / s, u1 u3 / s),   s^2 = u2^2 + u3^2
//
// Both have norm 1, are orthogonal and span the plane of x and next x; x.Hp = 0, because u is an eigenvector.
//
// The eigenvalue of largest absolute value may lie at either end of the spectrum, and the iteration does not leave an
// eigenvector at the wrong end again. While the largest eigenvalue of T at the other end exceeds the share CONTESTED of
// it, the next p is therefore the eigenvector of that eigenvalue: the method follows both ends until it is clear which
// is the larger (thick restarts: Wu and Simon, SIAM J. Matrix Anal. Appl. 2000).
//
// A p that adds nothing to the span (less than the share DEPENDENT of its square is left) is left out, and so is a p of
// zero, whose products with w are zero. Where w adds nothing, or is no longer than the rounding error of x, the slot
// has converged, whatever the tolerance: there is no direction left to search.
//
//   partials           [replica, segments, PARTIALS] w.Hw first; the network's segments, then the blocks'
//   direction_partials like partials                 w.w, x.w, w.p, w.Hp
//   slots              [replica, slots]
//   steps              [replica, slots]
//
// One invocation handles one slot, adding in ascending order.

struct Params {
    layers: u32,
    slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> direction_partials: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> slots: array<ProbeSlot>;
@group(0) @binding(4) var<storage, read_write> steps: array<LobpcgStep>;

const DEPENDENT: f32 = 1e-4;
// The value of |w|^2 where |w| is a millionth of |x|.
const ROUNDING: f32 = 1e-12;
// The number of sweeps of Jacobi's method; a 3 x 3 matrix is diagonal up to rounding after four.
const SWEEPS: u32 = 6u;
// An off-diagonal element below this share of the diagonal is left as it is.
const NEGLIGIBLE: f32 = 1e-15;

// One rotation of Jacobi's method: `t` and its eigenvectors `v` by columns.
fn rotate(t: ptr<function, array<vec3<f32>, 3>>, v: ptr<function, array<vec3<f32>, 3>>, i: u32, j: u32) {
    let a = (*t)[i][i];
    let b = (*t)[j][j];
    let off = (*t)[i][j];
    if abs(off) <= NEGLIGIBLE * (abs(a) + abs(b)) {
        return;
    }
    let tau = (b - a) / (2.0 * off);
    let tangent = select(-1.0, 1.0, tau >= 0.0) / (abs(tau) + sqrt(1.0 + tau * tau));
    let cosine = 1.0 / sqrt(1.0 + tangent * tangent);
    let sine = tangent * cosine;
    let ti = (*t)[i];
    let tj = (*t)[j];
    (*t)[i] = cosine * ti - sine * tj;
    (*t)[j] = sine * ti + cosine * tj;
    for (var k = 0u; k < 3u; k++) {
        let tki = (*t)[k][i];
        let tkj = (*t)[k][j];
        (*t)[k][i] = cosine * tki - sine * tkj;
        (*t)[k][j] = sine * tki + cosine * tkj;
    }
    let vi = (*v)[i];
    let vj = (*v)[j];
    (*v)[i] = cosine * vi - sine * vj;
    (*v)[j] = sine * vi + cosine * vj;
}

// The eigenvalue of largest absolute value and the one farthest towards the other end, each with its eigenvector.
struct Ends {
    value: f32,
    vector: vec3<f32>,
    other_value: f32,
    other_vector: vec3<f32>,
}

fn ends(matrix: array<vec3<f32>, 3>) -> Ends {
    var t = matrix;
    var v = array<vec3<f32>, 3>(
        vec3<f32>(1.0, 0.0, 0.0),
        vec3<f32>(0.0, 1.0, 0.0),
        vec3<f32>(0.0, 0.0, 1.0),
    );
    for (var sweep = 0u; sweep < SWEEPS; sweep++) {
        rotate(&t, &v, 0u, 1u);
        rotate(&t, &v, 0u, 2u);
        rotate(&t, &v, 1u, 2u);
    }
    var best = 0u;
    for (var k = 1u; k < 3u; k++) {
        if abs(t[k][k]) > abs(t[best][best]) {
            best = k;
        }
    }
    let value = t[best][best];
    var other = (best + 1u) % 3u;
    let third = (best + 2u) % 3u;
    if sign(value) * t[third][third] < sign(value) * t[other][other] {
        other = third;
    }
    return Ends(value, normalize(v[best]), t[other][other], normalize(v[other]));
}

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.z * params.slots + id.x;
    if id.x >= params.slots {
        return;
    }
    steps[at].is_taken = 0u;
    if slots[at].status != SLOT_RUNNING {
        return;
    }
    let stretch = partials_of_slot(id.z, id.x, params.layers);
    var w_hw = 0.0;
    var sum = vec4<f32>(0.0);
    // Four loads of each buffer are under way at once; PARTIALS is a multiple of four.
    for (var i = stretch.x; i < stretch.y; i += 4u) {
        let products = vec4<f32>(
            partials[i].x, partials[i + 1u].x, partials[i + 2u].x, partials[i + 3u].x,
        );
        let directions = array(
            direction_partials[i], direction_partials[i + 1u],
            direction_partials[i + 2u], direction_partials[i + 3u],
        );
        w_hw = w_hw + products.x + products.y + products.z + products.w;
        sum = sum + directions[0] + directions[1] + directions[2] + directions[3];
    }
    slots[at].iterations += 1u;
    if !is_finite(w_hw) {
        slots[at].status = SLOT_DIVERGED;
        slots[at].has_vector = 0u;
        return;
    }
    let lambda = slots[at].eigenvalue;
    let inverse_scale = 1.0 / slots[at].scale;
    let ww = sum.x;
    let xw = sum.y;
    let wp = sum.z;
    let w_hp = sum.w;

    let left = ww - xw * xw;
    if left <= max(DEPENDENT * ww, ROUNDING) {
        slots[at].status = SLOT_CONVERGED;
        return;
    }
    let n2 = sqrt(left);
    let c = wp / n2;
    let has_p = (wp != 0.0 || w_hp != 0.0) && 1.0 - c * c > DEPENDENT;
    let n3 = sqrt(select(1.0, 1.0 - c * c, has_p));
    var t = array<vec3<f32>, 3>();
    let x_hw = lambda * xw + ww * inverse_scale;
    t[0].x = lambda + xw * inverse_scale;
    t[0].y = n2 * inverse_scale;
    t[1].x = t[0].y;
    t[1].y = (w_hw - 2.0 * xw * x_hw + xw * xw * t[0].x) / left;
    if has_p {
        let e2_hp = w_hp / n2;
        t[1].z = (e2_hp - c * t[1].y) / n3;
        t[2].y = t[1].z;
        t[2].z = (steps[at].curvature - 2.0 * c * e2_hp + c * c * t[1].y) / (n3 * n3);
    }

    let found = ends(t);
    let u = found.vector;
    slots[at].eigenvalue = found.value;
    slots[at].scale = 1.0 / abs(found.value);
    let s = length(u.yz);
    var next_p = vec3<f32>(-s, u.x * (u.y / s), u.x * (u.z / s));
    if -sign(found.value) * found.other_value > CONTESTED * abs(found.value) {
        next_p = found.other_vector;
    }
    // Changes the basis from e1, e2, e3 to x, w, p.
    let iterate_p = u.z / n3;
    let iterate_w = (u.y - c * iterate_p) / n2;
    let previous_p = next_p.z / n3;
    let previous_w = (next_p.y - c * previous_p) / n2;
    steps[at].iterate_x = u.x - xw * iterate_w;
    steps[at].iterate_w = iterate_w;
    steps[at].iterate_p = iterate_p;
    steps[at].previous_x = next_p.x - xw * previous_w;
    steps[at].previous_w = previous_w;
    steps[at].previous_p = previous_p;
    steps[at].eigenvalue = lambda;
    steps[at].inverse_scale = inverse_scale;
    steps[at].curvature = dot(next_p, next_p.x * t[0] + next_p.y * t[1] + next_p.z * t[2]);
    steps[at].next_eigenvalue = slots[at].eigenvalue;
    steps[at].next_scale = slots[at].scale;
    steps[at].is_taken = 1u;
}
