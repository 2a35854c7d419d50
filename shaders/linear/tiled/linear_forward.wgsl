// linear_forward by tiles, for GPUs (product.wgsl).

fn left_along_depth(which: u32) -> bool {
    return true;
}

fn right_along_depth(which: u32) -> bool {
    return false;
}

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return inputs[factors.left + row * (params.rows / 4u) + k4];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    return parameters[factors.right + k * (params.columns / 4u) + column4];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let first = group.z * params.batch_rows;
    let weights = group.z * params.parameters_stride + params.offset;
    let factors = Factors(
        0u,
        first * (params.rows / 4u),
        weights,
        group.y * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.rows,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var z = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            let bias = parameters[weights + params.rows * columns4 + at.y];
            write(first + at.x, at.y, z[i] + bias);
        }
    }
}
