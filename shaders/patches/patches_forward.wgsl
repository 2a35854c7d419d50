// The patches of an image: the elements of every window as a row (im2col). The border is zero.
//
//   outputs[r, b, p, (c kernel_height + i) kernel_width + j] = inputs[r, b, c, y stride - padding + i, x stride - padding + j]
//
//   inputs  [replica, batch_rows, height, width, copies, units with padding], or [replica, batch_rows, units, height, width]:
//           the strides say which
//   outputs [replica, batch_rows, out_height, out_width, columns]    position p = (y, x); columns after the last are zero
//
// One invocation computes one vec4 of a sample; the samples are along y.

struct Params {
    batch_rows: u32,
    columns: u32,        // of the patches, with padding
    units: u32,          // channels of a copy
    copies: u32,
    sample_stride: u32,  // elements from one sample of the input to the next
    copy_stride: u32,
    channel_stride: u32,
    row_stride: u32,
    column_stride: u32,
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

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let size = params.out_height * params.out_width * columns4;
    if id.x >= size {
        return;
    }
    let sample = id.z * params.batch_rows + id.y;
    let position = id.x / columns4;
    let column4 = id.x - position * columns4;
    outputs[sample * size + id.x] = patch_elements(sample * params.sample_stride, position, column4);
}
