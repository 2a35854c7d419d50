// The gradient of one layer's weights and bias, in registers. The bias is the weight of an input that is always 1. The
// sum over the minibatch runs in ascending order.
//
// Needs the bindings inputs, output_gradients and gradients of the kernel, and the uniform of linear_backward_weights.

// Inputs 4 row4 .. 4 row4 + 3 of a sample; the bias's constant 1 follows the last.
fn input_or_bias(sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    if row4 < rows4 {
        return inputs[sample * rows4 + row4];
    }
    return vec4<f32>(select(0.0, 1.0, row4 == rows4), 0.0, 0.0, 0.0);
}

// Computes 8 rows by one vec4 of columns: rows 8 row8 .. 8 row8 + 7.
fn weight_gradient(replica: u32, row8: u32, column4: u32) {
    let columns4 = params.columns / 4u;
    if column4 >= columns4 {
        return;
    }
    let first = replica * params.batch_rows;
    let row4 = row8 * 2u;
    var lower = mat4x4<f32>();
    var upper = mat4x4<f32>();
    for (var b = 0u; b < params.batch; b++) {
        let d = output_gradients[(first + b) * columns4 + column4];
        let a = input_or_bias(first + b, row4);
        let c = input_or_bias(first + b, row4 + 1u);
        lower += mat4x4<f32>(a.x * d, a.y * d, a.z * d, a.w * d);
        upper += mat4x4<f32>(c.x * d, c.y * d, c.z * d, c.w * d);
    }
    let target_row = replica * params.parameters_stride + params.offset + column4;
    for (var i = 0u; i < 4u; i++) {
        let row = row8 * 8u + i;
        if row <= params.rows {
            gradients[target_row + row * columns4] = lower[i];
        }
        if row + 4u <= params.rows {
            gradients[target_row + (row + 4u) * columns4] = upper[i];
        }
    }
}
