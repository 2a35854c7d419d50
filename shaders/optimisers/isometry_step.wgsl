// The decoupled step of AdamO (Rosseau et al., arXiv 2606.09762) towards isometry, after Adam's.
//
//   W = W - step_size isometry R,   R the gradient of |W^T W - I|^2 at the parameters before Adam's step
//
//   configs, states    [replica]
//   layer_controls     [replica, layers]    step sizes, and the state of update clipping
//   matrices           [matrices]           shared
//   isometry_gradients [replica, stride]    R, in vec4s, in the layout of the parameters
//   parameters         [replica, stride]    in vec4s
//   step_sums          [replica, layers, SQUARE_PARTS]   squared gradients in, divergence out
//
// The step size is that of the layer's update. Replicas with other optimisers, and halted ones, are left alone.
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4.

struct Params {
    stride: u32,   // vec4s per replica
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(5) var<storage, read> isometry_gradients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> step_sums: array<StepSum>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let config = configs[replica];
    if config.isometry == 0.0 || states[replica].halted != RUNNING {
        return;
    }
    let matrix = matrices[group.y];
    let first = replica * params.layers;
    let scale = gradient_scale(config, first, params.layers);
    let rate = step_size(config, first + matrix.block, scale) * config.isometry;
    let tile = matrix_tile(matrix, group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        let updated = parameters[at] - rate * isometry_gradients[at];
        parameters[at] = updated;
        if !all_finite(updated) {
            atomicOr(&step_sums[first * SQUARE_PARTS].divergence, HALTED_UPDATE);
        }
    }
}
