// The gradient with respect to the pre-activations of an image, from the gradient of its pool.
//
//   input_gradients[r, b, q, u] = sum over copies k of f_k'(z[b, q, u]) g[b, q, k, u]
//   g[b, q, k, u]               = sum over the windows of which q is the first maximum of output_gradients[b, p, c], or
//                                 1/area times the sum over the windows that hold q, where channel c is unit u of copy k
//
//   inputs           [replica, batch_rows, height, width, copies, copy_units with padding]
//   pre_activations  [replica, batch_rows, height, width, copy_units with padding]    z of the input; only where it is kept
//   output_gradients [replica, batch_rows, out_height, out_width, columns]            with respect to the pool's z
//   input_gradients  [replica, batch_rows, height, width, copy_units with padding]    position q
//
// One invocation computes one vec4 of a sample; the samples are along y. The sum runs over windows in row-major order. Maxima
// are computed again from the inputs.

struct Params {
    batch_rows: u32,
    columns: u32,       // of the output, with padding
    activation: u32,    // the activation of the input
    accumulate: u32,    // 1: adds to input_gradients, which another reader of the image has written
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
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<f32>;
@group(0) @binding(2) var<storage, read> pre_activations: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> output_gradients: array<f32>;
@group(0) @binding(4) var<storage, read_write> input_gradients: array<vec4<f32>>;

fn element(which: u32, at: u32) -> f32 {
    return output_gradients[at];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let width4 = copy_stride() / 4u;
    let positions = params.height * params.width;
    if id.x >= positions * width4 {
        return;
    }
    let sample = id.z * params.batch_rows + id.y;
    let position = id.x / width4;
    let unit4 = id.x - position * width4;
    let first = sample * params.out_height * params.out_width * params.columns;
    let first_input = sample * positions * pixel_stride();
    let kind = activation();
    let at = (sample * positions + position) * width4 + unit4;
    let x = argument(kind, first_input, position, at, unit4, 0u);
    var below = derivative(kind, x) * sum_over_windows(0u, first, first_input, position, unit4, 0u);
    if has_mirror(kind) {
        let y = argument(kind, first_input, position, at, unit4, 1u);
        below += mirror_derivative(kind, y)
            * sum_over_windows(0u, first, first_input, position, unit4, 1u);
    }
    if params.accumulate != 0u {
        below += input_gradients[at];
    }
    input_gradients[at] = below;
}
