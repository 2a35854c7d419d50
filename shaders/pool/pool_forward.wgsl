// A pool: the maximum or the mean of every window of an image, for each channel by itself.
//
//   z[r, b, p, c]       = max over the positions q of window p, or 1/area times the sum, of inputs[r, b, q, c]
//   outputs[r, b, p, :] = f(z[r, b, p, :])
//
//   inputs          [replica, batch_rows, height, width, copies, copy_units with padding]    channel c counts all copies
//   outputs         [replica, batch_rows, out_height, out_width, columns]    two copies: 2 columns
//   pre_activations [replica, batch_rows, out_height, out_width, columns]    z; only where the activation keeps it
//
// The border belongs to no maximum, and is zero in a mean. One invocation computes one vec4 of a sample; the samples are along
// y. A window is read in row-major order.

struct Params {
    batch_rows: u32,
    columns: u32,       // of the output, with padding
    units: u32,         // columns that are not padding
    activation: u32,    // the activation of the output
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
@group(0) @binding(2) var<storage, read_write> outputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> pre_activations: array<vec4<f32>>;

fn mean(first: u32, number: u32, places: vec4<u32>) -> vec4<f32> {
    let part = inside(number);
    var sum = vec4<f32>(0.0);
    for (var y = part.y; y < part.end_y; y++) {
        for (var x = part.x; x < part.end_x; x++) {
            sum += pixel(first, y * params.width + x, places);
        }
    }
    return params.share * sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let windows = params.out_height * params.out_width;
    if id.x >= windows * columns4 {
        return;
    }
    let sample = id.z * params.batch_rows + id.y;
    let first = sample * params.height * params.width * pixel_stride();
    let number = id.x / columns4;
    let column4 = id.x - number * columns4;
    let places = places_of(4u * column4);
    var z = vec4<f32>(0.0);
    if params.is_maximum != 0u {
        z = maximum(first, number, places).element;
    } else {
        z = mean(first, number, places);
    }
    let columns = vec4<u32>(4u * column4) + vec4<u32>(0u, 1u, 2u, 3u);
    z = select(vec4<f32>(0.0), z, columns < vec4<u32>(params.units));
    write(sample * windows + number, column4, z);
}
