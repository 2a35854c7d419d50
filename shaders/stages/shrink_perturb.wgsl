// Shrink and perturb (Ash and Adams, arXiv 1910.08475) at the beginning of a task.
//
//   parameters = shrink parameters + perturb fresh
//
//   configs        [replica]
//   states         [replica]
//   shrink_perturb [replica]           (shrink, perturb); (1, 0) where a replica does not use it
//   tensors        [tensors]           shared
//   parameters     [replica, stride]
//   fresh          a draw like the initial parameters (common/initial_element.wgsl), another for every task
//
// Workgroup (t, n) handles tile t of tensor n; an invocation takes every 256th element.

struct Params {
    stride: u32,  // elements per replica
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> shrink_perturb: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> tensors: array<TensorLayout>;
@group(0) @binding(5) var<storage, read_write> parameters: array<f32>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let state = states[replica];
    let factors = shrink_perturb[replica];
    let is_used = any(factors != vec2<f32>(1.0, 0.0));
    if !is_used || !begins_task(state.epoch, state.batch, state.updates, state.halted) {
        return;
    }
    let tensor = tensors[group.y];
    let tile = tile_range(tensor, group.x);
    let seed = configs[replica].seed;
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        let fresh = initial_element(tensor, seed, STREAM_PERTURBATION, state.task, i);
        parameters[at] = factors.x * parameters[at] + factors.y * fresh;
    }
}
