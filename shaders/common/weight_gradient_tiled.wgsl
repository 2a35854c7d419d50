// The gradient of one layer's weights and bias, by tiles (product.wgsl). Neither factor is stored along the depth, which is
// the minibatch.
//
// Needs the bindings inputs, output_gradients and gradients of the kernel, and the uniform of linear_backward_weights.

// The left factor. The bias's constant 1 follows a sample's last input.
fn input_or_bias(factors: Factors, sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    let input = inputs[factors.left + sample * rows4 + min(row4, rows4 - 1u)];
    return select(vec4<f32>(1.0, 0.0, 0.0, 0.0), input, row4 < rows4);
}

// The right factor.
fn output_gradient(factors: Factors, sample: u32, column4: u32) -> vec4<f32> {
    return output_gradients[factors.right + sample * (params.columns / 4u) + column4];
}

// Computes tile (x, y); `which` is the number of this product in the kernel.
fn weight_gradient(which: u32, replica: u32, tile: vec2<u32>, lane: u32) {
    let columns4 = params.columns / 4u;
    let first = replica * params.batch_rows;
    let factors = Factors(
        which,
        first * (params.rows / 4u),
        first * columns4,
        tile.y * TILE_ROWS,
        tile.x * TILE_COLUMNS,
        params.batch,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var gradient = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let layer = replica * params.parameters_stride + params.offset;
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x <= params.rows && at.y < columns4 {
            gradients[layer + at.x * columns4 + at.y] = gradient[i];
        }
    }
}
