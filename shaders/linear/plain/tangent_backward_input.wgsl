// tangent_backward_input in registers. One invocation computes 8 rows of the minibatch by one vec4 of inputs.
//
// The mirror of a second copy and f'' need sums of their own, which further passes add to the result in memory: two tiles do
// not fit into registers.

fn matrix_element(which: u32, at: u32) -> vec4<f32> {
    if which == GRADIENT_BY_ITERATES {
        return iterates[at];
    }
    return parameters[at];
}

fn row_element(which: u32, at: u32) -> vec4<f32> {
    if which == UPPER_BY_PARAMETERS {
        return upper[at];
    }
    return output_gradients[at];
}

struct Tile {
    g0: vec4<f32>,
    g1: vec4<f32>,
    g2: vec4<f32>,
    g3: vec4<f32>,
    g4: vec4<f32>,
    g5: vec4<f32>,
    g6: vec4<f32>,
    g7: vec4<f32>,
}

// The place of an invocation's tile.
struct Place {
    replica: u32,
    slot: u32,
    row: u32,     // the first of 8
    input4: u32,
}

// Adds product `which` to 8 rows by the inputs 4 input4 .. 4 input4 + 3.
fn add_product(sums: Tile, which: u32, place: Place, input4: u32) -> Tile {
    let columns4 = params.columns / 4u;
    var block = place.replica;
    var first = place.replica * params.parameters_stride + params.offset;
    if which == UPPER_BY_PARAMETERS {
        block = place.replica * params.upper_slots + place.slot;
    }
    if which == GRADIENT_BY_ITERATES {
        first = place.replica * params.iterates_stride + params.network_offset;
    }
    first += 4u * input4 * columns4;
    let source = (block * params.batch_rows + place.row) * columns4;
    var tile = sums;
    for (var k = 0u; k < columns4; k++) {
        let w = mat4x4<f32>(
            matrix_element(which, first + k),
            matrix_element(which, first + columns4 + k),
            matrix_element(which, first + 2u * columns4 + k),
            matrix_element(which, first + 3u * columns4 + k),
        );
        tile.g0 += row_element(which, source + k) * w;
        tile.g1 += row_element(which, source + columns4 + k) * w;
        tile.g2 += row_element(which, source + 2u * columns4 + k) * w;
        tile.g3 += row_element(which, source + 3u * columns4 + k) * w;
        tile.g4 += row_element(which, source + 4u * columns4 + k) * w;
        tile.g5 += row_element(which, source + 5u * columns4 + k) * w;
        tile.g6 += row_element(which, source + 6u * columns4 + k) * w;
        tile.g7 += row_element(which, source + 7u * columns4 + k) * w;
    }
    return tile;
}

// Rd W^T + d V^T
fn tangents(place: Place, input4: u32) -> Tile {
    let sums = add_product(Tile(), UPPER_BY_PARAMETERS, place, input4);
    if place.slot == 0u {
        return add_product(sums, GRADIENT_BY_ITERATES, place, input4);
    }
    return sums;
}

fn write(role: u32, place: Place, sums: Tile) {
    let sample = place.replica * params.batch_rows + place.row;
    let first_row = (place.replica * params.slots + place.slot) * params.batch_rows + place.row;
    var g = array(sums.g0, sums.g1, sums.g2, sums.g3, sums.g4, sums.g5, sums.g6, sums.g7);
    for (var i = 0u; i < 8u; i++) {
        write_sum(role, first_row + i, sample + i, place.input4, g[i]);
    }
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let tiles = params.batch_rows / 8u;
    let place = Place(group.z, group.y / tiles, (group.y % tiles) * 8u, id.x);
    if id.x >= width4() || !is_running(place.replica, place.slot) {
        return;
    }
    write(DIRECT, place, tangents(place, id.x));
    if has_mirror(activation()) {
        write(MIRROR, place, tangents(place, id.x + first_input(MIRROR) / 4u));
    }
    if is_curved(activation()) {
        write(CURVED, place, add_product(Tile(), GRADIENT_BY_PARAMETERS, place, id.x));
    }
    if is_curved(activation()) && has_mirror(activation()) {
        let input4 = id.x + first_input(CURVED_MIRROR) / 4u;
        write(CURVED_MIRROR, place, add_product(Tile(), GRADIENT_BY_PARAMETERS, place, input4));
    }
}
