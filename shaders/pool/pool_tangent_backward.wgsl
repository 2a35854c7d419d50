// The tangents of the gradient with respect to the pre-activations of an image, from those of the gradient of its pool, for
// every slot that reaches the image (R-operator, backward).
//
//   lower[s, b, q, u] = sum over copies k of f_k'(z) Rg[s, b, q, k, u] + f_k''(z) Rz[s, b, q, u] g[b, q, k, u]
//
// where g, as in pool_backward, is made of output_gradients, and Rg of `upper`.
//
//   slots            [replica, all slots]
//   inputs           [replica, batch_rows, height, width, copies, copy_units with padding]
//   pre_activations  [replica, batch_rows, height, width, copy_units with padding]           z; only where it is kept
//   lower_tangents   [replica, slots, batch_rows, height, width, copy_units with padding]    Ra of the image; where z is kept, Rz
//   output_gradients [replica, batch_rows, out_height, out_width, columns]                   d of the pool
//   upper            [replica, upper_slots, batch_rows, out_height, out_width, columns]      Rd
//   lower            [replica, slots, batch_rows, height, width, copy_units with padding]
//
// One invocation computes one vec4 of one sample of one slot; the slots, and the samples of each, are along y. The sums run
// over windows in row-major order.

struct Params {
    batch_rows: u32,
    columns: u32,       // of the output, with padding
    activation: u32,    // the activation of the input
    accumulate: u32,    // 1: adds to `lower`, which another reader of the image has written
    copy_units: u32,    // channels of a copy of the input
    copies: u32,        // of the input
    is_maximum: u32,    // 1: the maximum, 0: the mean
    share: f32,         // of one element in a mean
    height: u32,        // the grid of the input
    width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    padding: u32,
    out_height: u32,    // the grid of the windows
    out_width: u32,
    slots: u32,         // slots that reach the image
    upper_slots: u32,   // slots that reach the pool
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read> pre_activations: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(6) var<storage, read> upper: array<f32>;
@group(0) @binding(7) var<storage, read_write> lower: array<vec4<f32>>;

const GRADIENTS: u32 = 0u;
const TANGENTS: u32 = 1u;

fn element(which: u32, at: u32) -> f32 {
    if which == TANGENTS {
        return upper[at];
    }
    return output_gradients[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let width4 = copy_stride() / 4u;
    let positions = params.height * params.width;
    let replica = id.z;
    let slot = id.y / params.batch_rows;
    if id.x >= positions * width4 || !is_running(replica, slot) {
        return;
    }
    let position = id.x / width4;
    let unit4 = id.x - position * width4;
    let own_sample = id.y - slot * params.batch_rows;
    let sample = replica * params.batch_rows + own_sample;
    let upper_sample = (replica * params.upper_slots + slot) * params.batch_rows + own_sample;
    let lower_sample = (replica * params.slots + slot) * params.batch_rows + own_sample;
    let pooled = params.out_height * params.out_width * params.columns;
    let first_input = sample * positions * pixel_stride();
    let primal_at = (sample * positions + position) * width4 + unit4;
    let at = (lower_sample * positions + position) * width4 + unit4;
    let kind = activation();
    let copies = select(1u, 2u, has_mirror(kind));
    var rd = vec4<f32>(0.0);
    for (var copy = 0u; copy < copies; copy++) {
        let x = argument(kind, first_input, position, primal_at, unit4, copy);
        let rg = sum_over_windows(TANGENTS, upper_sample * pooled, first_input, position, unit4, copy);
        if copy == 0u {
            rd += derivative(kind, x) * rg;
        } else {
            rd += mirror_derivative(kind, x) * rg;
        }
        if is_curved(kind) {
            let g = sum_over_windows(GRADIENTS, sample * pooled, first_input, position, unit4, copy);
            let rz = lower_tangents[at];
            if copy == 0u {
                rd += second_derivative(kind, x) * rz * g;
            } else {
                rd += mirror_second_derivative(x) * rz * g;
            }
        }
    }
    if params.accumulate != 0u {
        rd += lower[at];
    }
    lower[at] = rd;
}
