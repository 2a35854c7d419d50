// The momentum of Muon (Jordan et al., 2024) for every weight matrix W, and the direction that is made orthogonal.
//
//   g          = s (gradients + l2 W), where s is the factor of gradient clipping (common/gradient_scale.wgsl), else 1
//   m          = momentum m + (1 - momentum) g
//   directions = momentum m + (1 - momentum) g     Nesterov's
//
//   configs, states [replica]
//   matrices        [matrices]           shared
//   gradients       [replica, stride]    in vec4s
//   parameters, first_moment, directions   like gradients
//   step_sums       [replica, layers, SQUARE_PARTS]   squared gradients in, divergence out
//
// Replicas with other optimisers, and halted ones, are left alone.
//
// Workgroup (t, m) handles tile t of matrix m; an invocation takes every 256th vec4.

struct Params {
    stride: u32,   // vec4s per replica
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> matrices: array<MatrixLayout>;
@group(0) @binding(4) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> step_sums: array<StepSum>;
@group(0) @binding(8) var<storage, read_write> directions: array<vec4<f32>>;

const INVOCATIONS: u32 = 256u;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let config = configs[replica];
    if config.optimiser != OPTIMISER_MUON || states[replica].halted != RUNNING {
        return;
    }
    let first = replica * params.layers;
    let scale = gradient_scale(config, first, params.layers);
    let tile = matrix_tile(matrices[group.y], group.x);
    for (var i = tile.x + local.x; i < tile.y; i += INVOCATIONS) {
        let at = replica * params.stride + i;
        let g = config.one_minus_momentum * (scale * (gradients[at] + config.l2 * parameters[at]));
        let m = flush(config.momentum * first_moment[at] + g, FIRST_MOMENT_FLOOR);
        first_moment[at] = m;
        directions[at] = config.momentum * m + g;
        if !all_finite(m) {
            atomicOr(&step_sums[first * SQUARE_PARTS].divergence, HALTED_UPDATE);
        }
    }
}
