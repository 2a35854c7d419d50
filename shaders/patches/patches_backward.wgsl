// The gradient with respect to the pre-activations of an image, from the gradient of its patches (col2im, as a gather).
//
//   input_gradients[r, b, q, u] = sum over copies c of f_c'(z[b, q, u]) g[b, q, c, u]
//   g[b, q, c, u]               = sum over the windows that hold q of output_gradients at its place
//
//   activations      [replica, batch_rows, height, width, copies, units with padding]    f(z); where z is kept, z of one copy
//   output_gradients [replica, batch_rows, out_height, out_width, columns]
//   input_gradients  [replica, batch_rows, height, width, units with padding]            position q
//
// One invocation computes one vec4 of a sample; the samples are along y. The sum runs over windows in row-major order.

struct Params {
    batch_rows: u32,
    columns: u32,       // of the patches, with padding
    units: u32,         // channels of a copy
    activation: u32,    // the activation of the image
    accumulate: u32,    // 1: adds to input_gradients, which another reader of the image has written
    height: u32,        // the grid of the input
    width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    padding: u32,
    out_height: u32,    // the grid of the windows
    out_width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(3) var<storage, read_write> input_gradients: array<vec4<f32>>;

fn element(which: u32, at: u32) -> f32 {
    return output_gradients[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let width4 = (params.units + 3u) / 4u;
    let size = params.height * params.width * width4;
    if id.x >= size {
        return;
    }
    let sample = id.z * params.batch_rows + id.y;
    let position = id.x / width4;
    let unit4 = id.x - position * width4;
    let first = sample * params.out_height * params.out_width * params.columns;
    let kind = activation();
    let row = sample * params.height * params.width + position;
    let x = activations[argument_row(kind, row, width4, false) + unit4];
    var below = derivative(kind, x) * sum_over_windows(0u, first, position, 4u * unit4, 0u);
    if has_mirror(kind) {
        let y = activations[argument_row(kind, row, width4, true) + unit4];
        below += mirror_derivative(kind, y) * sum_over_windows(0u, first, position, 4u * unit4, 1u);
    }
    let at = row * width4 + unit4;
    if params.accumulate != 0u {
        below += input_gradients[at];
    }
    input_gradients[at] = below;
}
