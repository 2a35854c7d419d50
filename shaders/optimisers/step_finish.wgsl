// The end of a step (common/finish.wgsl) where other dispatches change parameters after optimiser_step.
//
//   configs, states [replica]
//   step_sums       [replica, layers, SQUARE_PARTS]   the divergence is cleared
//   layer_controls  [replica, layers]
//
// One invocation handles one replica.

struct Params {
    layers: u32,
    batches_per_epoch: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read_write> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read_write> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read_write> step_sums: array<StepSum>;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let replica = group.z;
    let divergence = atomicExchange(&step_sums[replica * params.layers * SQUARE_PARTS].divergence, 0u);
    finish_step(replica, divergence);
}
