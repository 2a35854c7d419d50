// The tangents of the gradient with respect to the pre-activations of an image, from those of the gradient of its patches,
// for every slot that reaches the image (R-operator, backward).
//
//   lower[s, b, q, u] = sum over copies c of f_c'(z) Rg[s, b, q, c, u] + f_c''(z) Rz[s, b, q, u] g[b, q, c, u]
//
// where g and Rg are sums over the windows that hold q, of output_gradients and of upper.
//
//   slots            [replica, all slots]
//   activations      [replica, batch_rows, height, width, copies, units with padding]    f(z); where z is kept, z of one copy
//   lower_tangents   [replica, slots, batch_rows, height, width, units with padding]     Ra of the image; where z is kept, Rz
//   output_gradients [replica, batch_rows, out_height, out_width, columns]               d of the patches
//   upper            [replica, upper_slots, batch_rows, out_height, out_width, columns]  Rd
//   lower            [replica, slots, batch_rows, height, width, units with padding]
//
// One invocation computes one vec4 of one sample of one slot; the slots, and the samples of each, are along y. The sums run
// over windows in row-major order.

struct Params {
    batch_rows: u32,
    columns: u32,       // of the patches, with padding
    units: u32,         // channels of a copy
    activation: u32,    // the activation of the image
    accumulate: u32,    // 1: adds to `lower`, which another reader of the image has written
    height: u32,        // the grid of the input
    width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    padding: u32,
    out_height: u32,    // the grid of the windows
    out_width: u32,
    slots: u32,         // slots that reach the image
    upper_slots: u32,   // slots that reach the patches
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(5) var<storage, read> upper: array<f32>;
@group(0) @binding(6) var<storage, read_write> lower: array<vec4<f32>>;

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
    let width4 = (params.units + 3u) / 4u;
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
    let patches = params.out_height * params.out_width * params.columns;
    let row = sample * positions + position;
    let at = (lower_sample * positions + position) * width4 + unit4;
    let kind = activation();
    let x = activations[argument_row(kind, row, width4, false) + unit4];
    var rd = derivative(kind, x)
        * sum_over_windows(TANGENTS, upper_sample * patches, position, 4u * unit4, 0u);
    if is_curved(kind) {
        rd += second_derivative(kind, x) * lower_tangents[at]
            * sum_over_windows(GRADIENTS, sample * patches, position, 4u * unit4, 0u);
    }
    if has_mirror(kind) {
        let y = activations[argument_row(kind, row, width4, true) + unit4];
        rd += mirror_derivative(kind, y)
            * sum_over_windows(TANGENTS, upper_sample * patches, position, 4u * unit4, 1u);
        if is_curved(kind) {
            rd += mirror_second_derivative(y) * lower_tangents[at]
                * sum_over_windows(GRADIENTS, sample * patches, position, 4u * unit4, 1u);
        }
    }
    if params.accumulate != 0u {
        rd += lower[at];
    }
    lower[at] = rd;
}
