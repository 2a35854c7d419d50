// tangent_backward_weights by tiles, for GPUs (product.wgsl).

fn left_along_depth(which: u32) -> bool {
    return false;
}

fn right_along_depth(which: u32) -> bool {
    return false;
}

const INPUTS_BY_TANGENTS: u32 = 0u;
const TANGENTS_BY_GRADIENTS: u32 = 1u;

// The bias's constant 1, whose tangent is zero, follows a sample's last input.
fn left4(factors: Factors, sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    let at = factors.left + sample * rows4 + min(row4, rows4 - 1u);
    if factors.which == INPUTS_BY_TANGENTS {
        return select(vec4<f32>(1.0, 0.0, 0.0, 0.0), inputs[at], row4 < rows4);
    }
    return select(vec4<f32>(0.0), lower_tangents[at], row4 < rows4);
}

fn right4(factors: Factors, sample: u32, column4: u32) -> vec4<f32> {
    let at = factors.right + sample * (params.columns / 4u) + column4;
    if factors.which == INPUTS_BY_TANGENTS {
        return tangent_gradients[at];
    }
    return output_gradients[at];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    if !is_due(replica) {
        return;
    }
    let first = replica * params.batch_rows;
    var factors = Factors(
        INPUTS_BY_TANGENTS,
        first * rows4,
        replica * params.gradients_stride + params.gradients_offset,
        group.y * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.batch,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    if params.lower_stride > 0u {
        factors.which = TANGENTS_BY_GRADIENTS;
        factors.left = replica * params.lower_stride * rows4;
        factors.right = first * columns4;
        add_product(&sums, factors, lane);
    }
    var product = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let part = replica * params.products_stride + params.offset;
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x <= params.rows && at.y < columns4 {
            products[part + at.x * columns4 + at.y] = product[i];
        }
    }
}
