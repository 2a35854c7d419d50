// The gradient of one layer's weights and bias.
//
//   gradients[r, i, o]    = sum_b inputs[r, b, i] output_gradients[r, b, o]
//   gradients[r, rows, o] = sum_b output_gradients[r, b, o]                    (the bias)
//
//   inputs           [replica, batch_rows, rows]
//   output_gradients [replica, batch_rows, columns]
//   gradients        [replica, rows + 1, columns]      those of this layer's tensors

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch: u32,
    batch_rows: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> gradients: array<vec4<f32>>;
