// linear_backward_weights by tiles, for GPUs (product.wgsl).

const LEFT_ALONG_DEPTH: bool = false;
const RIGHT_ALONG_DEPTH: bool = false;

// The bias's constant 1 follows a sample's last input.
fn left4(factors: Factors, sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    let input = inputs[factors.left + sample * rows4 + min(row4, rows4 - 1u)];
    return select(vec4<f32>(1.0, 0.0, 0.0, 0.0), input, row4 < rows4);
}

fn right4(factors: Factors, sample: u32, column4: u32) -> vec4<f32> {
    return output_gradients[factors.right + sample * (params.columns / 4u) + column4];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let first = group.z * params.batch_rows;
    let factors = Factors(
        0u,
        first * (params.rows / 4u),
        first * columns4,
        group.y * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.batch,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    var gradient = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let layer = group.z * params.parameters_stride + params.offset;
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x <= params.rows && at.y < columns4 {
            gradients[layer + at.x * columns4 + at.y] = gradient[i];
        }
    }
}
