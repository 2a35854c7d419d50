// The update of every weight matrix W [outputs, inputs] by Muon (Jordan et al., 2024).
//
//   v = sqrt(max(1, outputs / inputs)) O,   O what Newton-Schulz iterations make of Muon's direction
//   W = W - step_size v
//
//   configs, states [replica]
//   layer_controls  [replica, layers]    step sizes, and the state of update clipping
//   matrices        [matrices]           shared
//   directions      [replica, stride]    O, in vec4s, in the layout of the parameters
//   parameters      [replica, stride]    in vec4s
//   second_moment   [replica, second_moments, stride]   v, from which probes compute the latest update
//   step_sums       [replica, layers, SQUARE_PARTS]     squared gradients in, divergence out
//
// Replicas with other optimisers, and halted ones, are left alone.
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4.

struct Params {
    stride: u32,   // vec4s per replica
    layers: u32,
    second_moments: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(5) var<storage, read> directions: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> second_moment: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> step_sums: array<StepSum>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let config = configs[replica];
    if config.optimiser != OPTIMISER_MUON || states[replica].halted != RUNNING {
        return;
    }
    let matrix = matrices[group.y];
    let first = replica * params.layers;
    let scale = gradient_scale(config, first, params.layers);
    let size = step_size(config, first + matrix.block, scale);
    let shape = sqrt(max(1.0, f32(matrix.outputs) / f32(matrix.inputs)));
    let tile = matrix_tile(matrix, group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        let v = shape * directions[at];
        let updated = parameters[at] - size * v;
        second_moment[replica * params.second_moments * params.stride + i] = v;
        parameters[at] = updated;
        if !all_finite(updated) {
            atomicOr(&step_sums[first * SQUARE_PARTS].divergence, HALTED_UPDATE);
        }
    }
}
