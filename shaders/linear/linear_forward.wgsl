// The forward pass of one layer, with bias and activation.
//
//   outputs[r, b, :] = f(inputs[r, b, :] W[r] + bias[r])
//   CReLU:            = [relu(z), relu(-z)]        Fourier features: [sin z, cos z]
//
//   parameters      [replica, rows + 1, columns]        this layer's tensors; row `rows` is the bias
//   inputs          [replica, batch_rows, rows]
//   outputs         [replica, batch_rows, columns]      two copies: 2 columns
//   pre_activations [replica, batch_rows, columns]      z; only where the activation keeps it

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,
    units: u32,              // columns that are not padding
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> pre_activations: array<vec4<f32>>;
