// Partial sums over every layer's parameters: the squares of the gradient, of the weights and of the latest update, and
// the second moment.
//
// The latest update is computed again from the moments, with the bias corrections that it had,
// c(t) = (c(t + 1) - (1 - beta)) / beta, because the state holds those of the next update.
//
// A second run, after the regularisers have added their gradients, writes the objective's sum alone.
//
//   configs, states [replica]
//   layer_controls  [replica, layers]
//   gradients, parameters, first_moment [replica, stride]    in vec4s
//   second_moment   [replica, second_moments, stride]        in vec4s; the first is read
//   sums            [replica, layers, PARTIALS]
//
// Workgroup (i, l) sums the i-th of PARTIALS equal stretches of layer l, in a fixed tree.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    layers: u32,
    objective_only: u32,     // 1: write only the sum of the objective's gradient
    second_moments: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> first_moment: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> second_moment: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> sums: array<LayerSums>;

const INVOCATIONS: u32 = 64u;

alias Summand = vec4<f32>;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let replica = group.z;
    let config = configs[replica];
    let layer = replica * params.layers + group.y;
    let control = layer_controls[layer];
    let corrections = latest_corrections(config, states[replica]);
    let size = clipped_step_size(config, control.step_size, control.clip_ratio);
    let factor_of_matrix = factor_of_muon(config, control, states[replica].optimiser_updates);
    let length = control.end - control.start;
    let stretch = (length + PARTIALS - 1u) / PARTIALS;
    let end = min((group.x + 1u) * stretch, length);
    var square = vec4<f32>(0.0);
    var second = vec2<f32>(0.0);  // main tensor, others
    for (var i = group.x * stretch + local.x; i < end; i += INVOCATIONS) {
        let at = replica * params.parameters_stride + control.start + i;
        let g = gradients[at];
        let theta = parameters[at];
        let v = second_moment[at + replica * (params.second_moments - 1u) * params.parameters_stride];
        let objective = g + config.l2 * theta;
        let moments = Moments(first_moment[at], v, vec4<f32>(0.0), vec4<f32>(0.0));
        let is_matrix = is_muon_matrix(config, control, control.start + i);
        var update = vec4<f32>(0.0);
        if states[replica].optimiser_updates > 0u {
            if is_matrix {
                update = size * v;
            } else {
                update = latest_update(config, corrections, size, theta, moments);
            }
        }
        square += vec4<f32>(
            dot(g, g), dot(objective, objective), dot(theta, theta), dot(update, update),
        );
        let factor = select(0.0, factor_of_matrix, is_matrix);
        let sum = dot(mean_square(config, corrections, factor, moments), vec4<f32>(1.0));
        second += select(vec2<f32>(0.0, sum), vec2<f32>(sum, 0.0), control.start + i < control.main_end);
    }
    let s = sum_of_workgroup(square, local.x);
    let v = sum_of_workgroup(vec4<f32>(second, 0.0, 0.0), local.x);
    if local.x == 0u {
        let at = layer * PARTIALS + group.x;
        if params.objective_only == 1u {
            sums[at].objective = s.y;
        } else {
            sums[at] = LayerSums(s.x, s.y, s.z, s.w, v.x, v.y, 0.0, 0.0);
        }
    }
}
