// tangent_backward_input by tiles, for GPUs (product.wgsl).
//
// The mirror of a second copy and f'' need sums of their own, which further passes add to the result in memory: the
// sums of two products do not fit into registers. Each pass names its products by constants, so that no load waits for a
// branch.

fn left_along_depth(which: u32) -> bool {
    return true;
}

fn right_along_depth(which: u32) -> bool {
    return true;
}

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    let at = factors.left + row * (params.columns / 4u) + k4;
    if factors.which == UPPER_BY_PARAMETERS {
        return upper[at];
    }
    return output_gradients[at];
}

fn right4(factors: Factors, input: u32, k4: u32) -> vec4<f32> {
    let at = factors.right + input * (params.columns / 4u) + k4;
    if factors.which == GRADIENT_BY_ITERATES {
        return iterates[at];
    }
    return parameters[at];
}

// The place of a workgroup's tile.
struct Place {
    replica: u32,
    slot: u32,
    row: u32,
    column: u32,
}

// Adds product `which`, with the inputs from `input` on.
fn add(sums: ptr<function, Sums>, which: u32, place: Place, input: u32, lane: u32) {
    let columns4 = params.columns / 4u;
    var left = place.replica;
    if which == UPPER_BY_PARAMETERS {
        left = place.replica * params.upper_slots + place.slot;
    }
    var right = place.replica * params.parameters_stride + params.offset;
    if which == GRADIENT_BY_ITERATES {
        right = place.replica * params.iterates_stride + params.network_offset;
    }
    let factors = Factors(
        which,
        left * params.batch_rows * columns4,
        right + input * columns4,
        place.row,
        place.column,
        params.columns,
    );
    add_product(sums, factors, lane);
}

// Rd W^T + d V^T, with the inputs from `input` on.
fn tangents(place: Place, input: u32, lane: u32) -> Sums {
    var sums = Sums();
    add(&sums, UPPER_BY_PARAMETERS, place, input, lane);
    if place.slot == 0u {
        add(&sums, GRADIENT_BY_ITERATES, place, input, lane);
    }
    return sums;
}

// d W^T, with the inputs from `input` on.
fn gradients(place: Place, input: u32, lane: u32) -> Sums {
    var sums = Sums();
    add(&sums, GRADIENT_BY_PARAMETERS, place, input, lane);
    return sums;
}

fn write(role: u32, place: Place, sums: Sums, lane: u32) {
    var g = results(sums, lane);
    let first = place.replica * params.batch_rows;
    let first_lower = (place.replica * params.slots + place.slot) * params.batch_rows;
    for (var i = 0u; i < RESULTS; i++) {
        let at = vec2<u32>(place.row, place.column / 4u) + result_place(lane, i);
        if has_results(lane) && at.x < params.batch_rows && at.y < width4() {
            write_sum(role, first_lower + at.x, first + at.x, at.y, g[i]);
        }
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let tiles = row_tiles(params.batch_rows);
    let row = (group.y % tiles) * TILE_ROWS;
    let place = Place(group.z, group.y / tiles, row, group.x * TILE_COLUMNS);
    if !is_running(place.replica, place.slot) {
        return;
    }
    write(DIRECT, place, tangents(place, 0u, lane), lane);
    if has_mirror(activation()) {
        write(MIRROR, place, tangents(place, first_input(MIRROR), lane), lane);
    }
    if is_curved(activation()) {
        write(CURVED, place, gradients(place, first_input(CURVED), lane), lane);
    }
    if is_curved(activation()) && has_mirror(activation()) {
        write(CURVED_MIRROR, place, gradients(place, first_input(CURVED_MIRROR), lane), lane);
    }
}
