// One step of power iteration for every eigenproblem, from its partial sums: the Rayleigh quotient, the residual,
// whether the iteration stops, and the factor that makes Hx the next iterate.
//
//   lambda     = x.h
//   residual^2 = (|h - m x|^2 - (lambda - m)^2) / lambda^2      m is the eigenvalue found last
//
// The identity holds for every m where |x| = 1; with m near lambda nothing cancels.
//
// Plain power iteration goes on from x to h. With momentum it goes on to h - (c / 2)^2 p, where p is the iterate
// before x in the same scale (Xu et al., AISTATS 2018). These are the Chebyshev polynomials of H / c: they grow fastest
// where |lambda| is largest, as powers do, and they damp all eigenvalues within [-c, c] equally. c is a share of the
// eigenvalue found so far, which is never larger than the dominant one.
//
//   partials [replica, segments, PARTIALS] the network's segments first, then the blocks'
//   slots    [replica, slots]
//
// One invocation handles one slot, adding in ascending order.

struct Params {
    layers: u32,
    slots: u32,
    tolerance: f32,
    momentum: f32,  // c as a share of the eigenvalue
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> slots: array<ProbeSlot>;

const LARGEST_RESIDUAL: f32 = 1e30;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.z * params.slots + id.x;
    if id.x >= params.slots || slots[at].status != SLOT_RUNNING {
        return;
    }
    let stretch = partials_of_slot(id.z, id.x, params.layers);
    var sum = vec4<f32>(0.0);
    for (var i = stretch.x; i < stretch.y; i++) {
        sum += partials[i];
    }
    slots[at].iterations += 1u;
    if !all_finite(sum) {
        slots[at].status = SLOT_DIVERGED;
        slots[at].has_vector = 0u;
        return;
    }
    let last = slots[at].eigenvalue;
    slots[at].eigenvalue = sum.x;
    if sum.y <= 0.0 {
        // Hx is zero, so the eigenvalue is zero and the iteration has no direction to go on in.
        slots[at].eigenvalue = 0.0;
        slots[at].residual = 0.0;
        slots[at].status = SLOT_CONVERGED;
        slots[at].has_vector = 0u;
        return;
    }
    let rest = sqrt(max(sum.z - (sum.x - last) * (sum.x - last), 0.0));
    var residual = LARGEST_RESIDUAL;
    if rest < LARGEST_RESIDUAL * abs(sum.x) {
        residual = rest / abs(sum.x);
    }
    // sum.w is 0 while there is no p.
    var momentum = 0.25 * params.momentum * params.momentum * sum.x * sum.x * slots[at].scale;
    var norm_sq = sum.y - 2.0 * momentum * sum.w + momentum * momentum;
    if slots[at].iterations <= 2u || norm_sq <= 0.0 {
        momentum = 0.0;
        norm_sq = sum.y;
    }
    slots[at].residual = residual;
    slots[at].momentum = momentum;
    slots[at].scale = 1.0 / sqrt(norm_sq);
    slots[at].has_vector = 1u;
    if params.tolerance > 0.0 && residual <= params.tolerance {
        slots[at].status = SLOT_CONVERGED;
    } else {
        slots[at].advanced += 1u;
    }
}
