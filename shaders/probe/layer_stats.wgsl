// The statistics of every layer, and of all layers together, from their partial sums.
//
//   grad_variance  = mean |g_b|^2 - |g|^2
//   effective_step   from the mean of mean_square(v) over the main tensors and the step size of the latest update, which
//                    update clipping may have made smaller: common/optimiser.wgsl
//   second_moment  = mean of mean_square(v), over all tensors
//
//   configs, states [replica]
//   layer_controls  [replica, layers]
//   sums            [replica, layers, PARTIALS]
//   norms           [replica, layers]              mean |g_b|^2
//   records         [replica, layers + 1]          the last is the network's
//
// One invocation handles one replica, adding in ascending order. The network's step size, with and without clipping, is
// the mean over the elements of its main tensors. Its clip_ratio is that of no block, 0.

struct Params {
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> sums: array<LayerSums>;
@group(0) @binding(5) var<storage, read> norms: array<f32>;
@group(0) @binding(6) var<storage, read_write> records: array<LayerRecord>;

// `square` holds the squared norms of gradient, objective's gradient, weights and update; `second` holds the sums of
// the second moments of main tensors and of other tensors, `count` the numbers of their elements; `step_size` holds the
// step size without and with clipping.
fn record(
    replica: u32, square: vec4<f32>, norm: f32, second: vec2<f32>, count: vec2<f32>, step_size: vec2<f32>,
    clip_ratio: f32,
) -> LayerRecord {
    let config = configs[replica];
    let corrections = latest_corrections(config, states[replica]);
    var effective = 0.0;
    if states[replica].optimiser_updates > 0u {
        effective = effective_step(config, corrections, step_size.y, second.x / count.x);
    }
    return LayerRecord(
        square.x, square.y, max(norm - square.x, 0.0), sqrt(square.z), sqrt(square.w),
        step_size.x, effective, (second.x + second.y) / (count.x + count.y),
        clip_ratio, clipped_step_size(config, 1.0, clip_ratio),
    );
}

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    let replica = group.z;
    var all_squares = vec4<f32>(0.0);
    var all_norms = 0.0;
    var all_seconds = vec2<f32>(0.0);
    var all_counts = vec2<f32>(0.0);
    var all_steps = vec2<f32>(0.0);
    let config = configs[replica];
    for (var l = 0u; l < params.layers; l++) {
        let layer = replica * params.layers + l;
        let control = layer_controls[layer];
        var square = vec4<f32>(0.0);
        var second = vec2<f32>(0.0);
        for (var i = layer * PARTIALS; i < (layer + 1u) * PARTIALS; i++) {
            let s = sums[i];
            square += vec4<f32>(s.gradient, s.objective, s.weight, s.update);
            second += vec2<f32>(s.main_second_moment, s.other_second_moment);
        }
        let count = vec2<f32>(f32(control.main_count), f32(control.other_count));
        let clipped = clipped_step_size(config, control.step_size, control.clip_ratio);
        let steps = vec2<f32>(control.step_size, clipped);
        records[replica * (params.layers + 1u) + l] =
            record(replica, square, norms[layer], second, count, steps, control.clip_ratio);
        all_squares += square;
        all_norms += norms[layer];
        all_seconds += second;
        all_counts += count;
        all_steps += count.x * steps;
    }
    let step_size = all_steps / all_counts.x;
    records[replica * (params.layers + 1u) + params.layers] =
        record(replica, all_squares, all_norms, all_seconds, all_counts, step_size, 0.0);
}
