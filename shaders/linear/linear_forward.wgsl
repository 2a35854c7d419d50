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

// Writes f(z) to vec4 `column4` of a row of the outputs, and z where it is kept. The cosine of padding would not be zero.
fn write(row: u32, column4: u32, z: vec4<f32>) {
    let columns4 = params.columns / 4u;
    let kind = params.activation;
    if has_mirror(kind) {
        let columns = vec4<u32>(4u * column4) + vec4<u32>(0u, 1u, 2u, 3u);
        let is_unit = columns < vec4<u32>(params.units);
        outputs[row * 2u * columns4 + column4] = activate(kind, z);
        outputs[row * 2u * columns4 + columns4 + column4] =
            select(vec4<f32>(0.0), mirror(kind, z), is_unit);
    } else {
        outputs[row * columns4 + column4] = activate(kind, z);
    }
    if keeps_z(kind) {
        pre_activations[row * columns4 + column4] = z;
    }
}
