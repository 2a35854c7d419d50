// The forward pass of one layer, with bias and activation.
//
//   outputs[r, b, :] = f(inputs[r, b, :] W[r] + bias[r])
//   CReLU:            = [relu(z), relu(-z)]
//
//   parameters [replica, rows + 1, columns]        this layer's tensors; row `rows` is the bias
//   inputs     [replica, batch_rows, rows]
//   outputs    [replica, batch_rows, columns]      CReLU: 2 columns

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> outputs: array<vec4<f32>>;

// Writes f(z) to vec4 `column4` of a row of the outputs.
fn write(row: u32, column4: u32, z: vec4<f32>) {
    let columns4 = params.columns / 4u;
    if params.activation == ACTIVATION_CRELU {
        outputs[row * 2u * columns4 + column4] = relu(z);
        outputs[row * 2u * columns4 + columns4 + column4] = relu(-z);
    } else {
        outputs[row * columns4 + column4] = activate(params.activation, z);
    }
}
