// gram_product by tiles, for GPUs (product.wgsl).

fn left_along_depth(which: u32) -> bool {
    return true;
}

fn right_along_depth(which: u32) -> bool {
    return false;
}

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return gram[factors.left + row * (params.batch_rows / 4u) + k4];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    return tangent_gradients[factors.right + k * (params.columns / 4u) + column4];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let replica = group.z;
    let tiles = row_tiles(params.batch_rows);
    let slot = params.first_dual + group.y / tiles;
    if !is_running(replica, slot) {
        return;
    }
    let factors = Factors(
        0u,
        replica * params.batch_rows * (params.batch_rows / 4u),
        (replica * params.slots + slot) * params.batch_rows * columns4,
        (group.y % tiles) * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.batch_rows,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var images = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let first = segment(replica, slot);
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            let delta = first + at.x * columns4 + at.y;
            products[delta] = tangent_gradients[factors.right + at.x * columns4 + at.y];
            products[delta + params.batch_rows * columns4] = images[i];
        }
    }
}
