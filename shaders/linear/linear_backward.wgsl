// The gradient with respect to the pre-activations of one layer's input, and the gradient of its weights and bias.
//
//   input_gradients[r, b, i] = f'(z[b, i]) sum_o output_gradients[r, b, o] W[r, i, o]
//   Two copies, i and its mirror i' = i + rows/2:  f1'(z[b, i]) (...)_i + f2'(z[b, i]) (...)_i'
//   CReLU:                                         [a_i > 0] (...)_i - [a_i' > 0] (...)_i'
//
//   gradients[r, i, o]    = sum_b inputs[r, b, i] output_gradients[r, b, o]
//   gradients[r, rows, o] = sum_b output_gradients[r, b, o]                    (the bias)
//
//   parameters       [replica, rows + 1, columns]      this layer's tensors
//   inputs           [replica, batch_rows, rows]       the layer's input, activations a = f(z)
//   pre_activations  [replica, batch_rows, rows]       its z, only where it is kept; two copies: rows / 2
//   output_gradients [replica, batch_rows, columns]
//   input_gradients  [replica, batch_rows, rows]       two copies: rows / 2
//   gradients        [replica, rows + 1, columns]      those of this layer's tensors
//
// Neither product reads what the other writes, so that one dispatch computes both. Along y, the workgroups of
// input_gradients come first, and those of gradients follow. A workgroup computes a tile of one product only, so that its
// barriers are in uniform control flow. Along x there are as many workgroups as the wider product needs.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch: u32,
    batch_rows: u32,
    activation: u32,         // the activation of the layer below
    accumulate: u32,         // 1: adds to input_gradients, which another reader of the input has written
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> pre_activations: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> input_gradients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> gradients: array<vec4<f32>>;

// The vec4s of a row of the gradients of the input.
fn width4() -> u32 {
    return params.rows / 4u / select(1u, 2u, has_mirror(activation()));
}

// f' of one copy of the input, at vec4 `input4` of a row.
fn input_derivative(row: u32, input4: u32, is_mirror: bool) -> vec4<f32> {
    let kind = activation();
    let at = argument_row(kind, row, width4(), is_mirror) + input4;
    var x = vec4<f32>();
    if keeps_z(kind) {
        x = pre_activations[at];
    } else {
        x = inputs[at];
    }
    if is_mirror {
        return mirror_derivative(kind, x);
    }
    return derivative(kind, x);
}
