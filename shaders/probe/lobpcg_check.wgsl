// The residual of every eigenproblem in LOBPCG, and whether its iteration stops.
//
//   residual = |w| / (scale |lambda|)        because w = scale (Hx - lambda x)
//
// Where p follows the other end of the spectrum (see lobpcg_solve), the residual of p is |w.Hp| / |w|, and a small
// residual of x is not enough: the other end may still be the larger while |p.Hp| with MARGIN such residuals is
// more than |lambda|.
//
//   partials [replica, segments, PARTIALS] w.w, x.w, w.p, w.Hp; the network's segments, then the blocks'
//   steps    [replica, slots]
//   slots    [replica, slots]
//
// One invocation handles one slot, adding in ascending order.

struct Params {
    layers: u32,
    slots: u32,
    tolerance: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> steps: array<LobpcgStep>;
@group(0) @binding(3) var<storage, read_write> slots: array<ProbeSlot>;

const MARGIN: f32 = 4.0;
const LARGEST_RESIDUAL: f32 = 1e30;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.z * params.slots + id.x;
    if id.x >= params.slots || slots[at].status != SLOT_RUNNING {
        return;
    }
    let stretch = partials_of_slot(id.z, id.x, params.layers);
    var sum = vec4<f32>(0.0);
    // Eight loads are under way at once; PARTIALS is a multiple of eight.
    for (var i = stretch.x; i < stretch.y; i += 8u) {
        let terms = array(
            partials[i], partials[i + 1u], partials[i + 2u], partials[i + 3u],
            partials[i + 4u], partials[i + 5u], partials[i + 6u], partials[i + 7u],
        );
        sum = sum + terms[0] + terms[1] + terms[2] + terms[3];
        sum = sum + terms[4] + terms[5] + terms[6] + terms[7];
    }
    if !all_finite(sum) {
        slots[at].status = SLOT_DIVERGED;
        slots[at].has_vector = 0u;
        return;
    }
    let rest = sqrt(max(sum.x, 0.0));
    let lambda = slots[at].eigenvalue;
    let size = slots[at].scale * abs(lambda);
    var residual = LARGEST_RESIDUAL;
    if rest < LARGEST_RESIDUAL * size {
        residual = rest / size;
    }
    slots[at].residual = residual;
    // Where p is zero, its products are zero, and the curvature is that of an earlier p.
    let other = select(0.0, -sign(lambda) * steps[at].curvature, sum.z != 0.0 || sum.w != 0.0);
    let is_contested =
        other > CONTESTED * abs(lambda) && (other - abs(lambda)) * rest + MARGIN * abs(sum.w) > 0.0;
    if params.tolerance > 0.0 && residual <= params.tolerance && !is_contested {
        slots[at].status = SLOT_CONVERGED;
    }
}
