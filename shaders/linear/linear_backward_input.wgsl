// The gradient with respect to the pre-activations of one layer's input.
//
//   input_gradients[r, b, i] = f'(z[b, i]) sum_o output_gradients[r, b, o] W[r, i, o]
//   Two copies, i and its mirror i' = i + rows/2:  f1'(z[b, i]) (...)_i + f2'(z[b, i]) (...)_i'
//   CReLU:                                         [a_i > 0] (...)_i - [a_i' > 0] (...)_i'
//
//   parameters       [replica, rows + 1, columns]      this layer's tensors
//   activations      [replica, batch_rows, rows]       the layer's input; where z is kept, its z
//   output_gradients [replica, batch_rows, columns]
//   input_gradients  [replica, batch_rows, rows]       two copies: rows / 2, like z

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,         // the activation of the layer below
    accumulate: u32,         // 1: adds to input_gradients, which another reader of the input has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> input_gradients: array<vec4<f32>>;
