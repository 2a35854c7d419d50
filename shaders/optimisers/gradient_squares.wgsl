// Partial sums of the squared gradients of every block, for clipping (common/clipping.wgsl).
//
//   step_sums[r, l, i].square = sum of (gradients + l2 theta)^2 over part i of block l
//
//   configs        [replica]
//   layer_controls [replica, layers]
//   gradients      [replica, stride]                 in vec4s
//   parameters     like gradients
//   step_sums      [replica, layers, SQUARE_PARTS]
//
// Workgroup (i, l) sums the i-th of SQUARE_PARTS equal stretches of block l, in a fixed tree. The sums of a replica that
// clips nothing are 0. Without l2 the parameters are not read: the kernel's time is that of its loads.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(3) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> step_sums: array<StepSum>;

const INVOCATIONS: u32 = 256u;

alias Summand = f32;

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let config = configs[group.z];
    let layer = group.z * params.layers + group.y;
    let control = layer_controls[layer];
    let length = select(0u, control.end - control.start, is_clipped(config));
    let stretch = (length + SQUARE_PARTS - 1u) / SQUARE_PARTS;
    let end = min((group.x + 1u) * stretch, length);
    var square = 0.0;
    for (var i = group.x * stretch + local.x; i < end; i += INVOCATIONS) {
        let at = group.z * params.parameters_stride + control.start + i;
        var g = gradients[at];
        if config.l2 > 0.0 {
            g += config.l2 * parameters[at];
        }
        square += dot(g, g);
    }
    let total = sum_of_workgroup(square, local.x);
    if local.x == 0u {
        step_sums[layer * SQUARE_PARTS + group.x].square = total;
    }
}
