// Adds the gradient of L2-init, l2_init / 2 |theta - theta_init|^2 (Kumar et al., arXiv 2308.11958).
//
//   gradients += l2_init (theta - theta_init)
//
//   configs             [replica]
//   states              [replica]           a halted replica is left alone
//   parameters          [replica, stride]   theta, in vec4s
//   initial_parameters  like parameters     theta_init
//   gradients           like parameters
//
// One invocation adds to one vec4. A replica whose coefficient is 0 is left bit for bit as it is.

struct Params {
    parameters_stride: u32,  // vec4s per replica
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> initial_parameters: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> gradients: array<vec4<f32>>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let l2_init = configs[id.z].l2_init;
    let is_running = states[id.z].halted == RUNNING;
    if id.x >= params.parameters_stride || l2_init == 0.0 || !is_running {
        return;
    }
    let at = id.z * params.parameters_stride + id.x;
    gradients[at] += l2_init * (parameters[at] - initial_parameters[at]);
}
