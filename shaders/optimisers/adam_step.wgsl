// One Adam update of all parameters (Kingma and Ba, 2015, in PyTorch's arrangement), coupled L2.
//
//   g = gradients + l2 theta
//   m = beta1 m + (1 - beta1) g              v = beta2 v + (1 - beta2) g^2
//   theta -= step_size / c1 * m / (sqrt(v / c2) + epsilon),   c = 1 - beta^t
//
//   configs        [replica]
//   states         [replica]              the corrections c1, c2
//   layer_controls [replica, layers]      where each layer ends, and its step size
//   gradients      [replica, stride]      in vec4s
//   parameters, first_moment, second_moment   like gradients
//   divergence     [replica]              set where an update is not finite
//
// One invocation updates one vec4. A replica that is halted or has another optimiser is left alone.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    layers: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> layer_controls: array<LayerControl>;
@group(0) @binding(4) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> first_moment: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> second_moment: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> divergence: array<atomic<u32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let replica = id.z;
    let config = configs[replica];
    let takes_part = config.optimiser == OPTIMISER_ADAM && states[replica].halted == RUNNING;
    if id.x >= params.parameters_stride || !takes_part {
        return;
    }
    let at = replica * params.parameters_stride + id.x;
    let theta = parameters[at];
    let g = gradients[at] + config.l2 * theta;
    let m = flush(
        config.beta1 * first_moment[at] + config.one_minus_beta1 * g,
        FIRST_MOMENT_FLOOR,
    );
    let v = flush(
        config.beta2 * second_moment[at] + config.one_minus_beta2 * g * g,
        SECOND_MOMENT_FLOOR,
    );
    let rate = step_size(replica * params.layers, id.x) / states[replica].correction1;
    let updated = theta - rate * m / (sqrt(v / states[replica].correction2) + config.epsilon);
    first_moment[at] = m;
    second_moment[at] = v;
    parameters[at] = updated;
    if !all_finite(v) || !all_finite(updated) {
        atomicOr(&divergence[replica], HALTED_UPDATE);
    }
}
