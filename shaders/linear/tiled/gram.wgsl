// gram by tiles, for GPUs (product.wgsl).

fn left_along_depth(which: u32) -> bool {
    return true;
}

fn right_along_depth(which: u32) -> bool {
    return true;
}

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return inputs[factors.left + row * (params.rows / 4u) + k4];
}

fn right4(factors: Factors, column: u32, k4: u32) -> vec4<f32> {
    return left4(factors, column, k4);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let width4 = params.batch_rows / 4u;
    let first = group.z * params.batch_rows;
    let samples = first * (params.rows / 4u);
    let factors = Factors(
        0u,
        samples,
        samples,
        group.y * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.rows,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var products = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < width4 {
            gram[(first + at.x) * width4 + at.y] = products[i] + vec4<f32>(1.0);
        }
    }
}
