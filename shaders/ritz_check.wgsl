// The residual of every slot after a step of the locally optimal method, and whether to stop.
//
//   residual = |w|        because w = (Hx - lambda x) / |lambda|
//
//   partials [replica, parts, PARTIALS]    w.w first; the network's parts, then one for each block
//   slots    [replica, slots]
//
// One invocation does one slot, adding in ascending order.

struct Params {
    layers: u32,
    slots: u32,
    tolerance: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> slots: array<ProbeSlot>;

@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let at = id.z * params.slots + id.x;
    if id.x >= params.slots || slots[at].status != SLOT_RUNNING {
        return;
    }
    let is_network = id.x == 0u;
    let first = id.z * 2u * params.layers + select(params.layers + id.x - 1u, 0u, is_network);
    let end = (first + select(1u, params.layers, is_network)) * PARTIALS;
    var sum = vec4<f32>(0.0);
    for (var i = first * PARTIALS; i < end; i++) {
        sum += partials[i];
    }
    if !all_finite(sum) {
        slots[at].status = SLOT_DIVERGED;
        slots[at].has_vector = 0u;
        return;
    }
    slots[at].residual = sqrt(max(sum.x, 0.0));
    if params.tolerance > 0.0 && slots[at].residual <= params.tolerance {
        slots[at].status = SLOT_CONVERGED;
    }
}
