// tangent_forward by tiles, for GPUs (product.wgsl).

fn left_along_depth(which: u32) -> bool {
    return true;
}

fn right_along_depth(which: u32) -> bool {
    return false;
}

const INPUTS_BY_ITERATES: u32 = 0u;
const TANGENTS_BY_PARAMETERS: u32 = 1u;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    let at = factors.left + row * (params.rows / 4u) + k4;
    if factors.which == INPUTS_BY_ITERATES {
        return inputs[at];
    }
    return lower_tangents[at];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    let at = factors.right + k * (params.columns / 4u) + column4;
    if factors.which == INPUTS_BY_ITERATES {
        return iterates[at];
    }
    return parameters[at];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    let tiles = row_tiles(params.batch_rows);
    let slot = group.y / tiles;
    if !is_running(replica, slot) {
        return;
    }
    let own = params.slots - 1u;
    let is_dual = slot >= params.first_dual;
    let is_primal = (slot == 0u || slot == own) && !is_dual;

    let first = segment(replica, slot);
    var factors = Factors(
        INPUTS_BY_ITERATES,
        replica * params.batch_rows * rows4,
        first,
        (group.y % tiles) * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.rows,
    );
    var sums = Sums();
    if is_primal {
        add_product(&sums, factors, lane);
    }
    if slot < params.lower_slots {
        factors.which = TANGENTS_BY_PARAMETERS;
        factors.left = (replica * params.lower_slots + slot) * params.batch_rows * rows4;
        factors.right = replica * params.parameters_stride + params.offset;
        add_product(&sums, factors, lane);
    }
    var z = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            var rz = z[i];
            if is_primal {
                rz += iterates[first + params.rows * columns4 + at.y];
            }
            if is_dual {
                rz = iterates[first + at.x * columns4 + at.y];
            }
            let row = (replica * params.slots + slot) * params.batch_rows + at.x;
            write(row, replica * params.batch_rows + at.x, at.y, rz);
        }
    }
}
