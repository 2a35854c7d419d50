// tangent_backward_input in registers. One invocation computes 8 rows of the minibatch by one vec4 of inputs.

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

// 8 rows from `slot`'s row `row` on, inputs 4 input4 .. 4 input4 + 3.
fn product(which: u32, replica: u32, slot: u32, row: u32, input4: u32) -> Tile {
    let columns4 = params.columns / 4u;
    var block = replica;
    var first = replica * params.parameters_stride + params.offset;
    if which == UPPER_BY_PARAMETERS {
        block = replica * (params.slots + 1u) + slot;
    }
    if which == GRADIENT_BY_ITERATES {
        first = replica * params.iterates_stride + params.network_offset;
    }
    first += 4u * input4 * columns4;
    let source = (block * params.batch_rows + row) * columns4;
    var tile = Tile();
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

fn as_array(t: Tile) -> array<vec4<f32>, 8> {
    return array(t.g0, t.g1, t.g2, t.g3, t.g4, t.g5, t.g6, t.g7);
}

// The tangents of the gradients with respect to the inputs, times f', with the f'' term: 8 rows, one vec4 of inputs.
fn at_inputs(replica: u32, slot: u32, row: u32, input4: u32) -> array<vec4<f32>, 8> {
    let rows4 = params.rows / 4u;
    let source = (replica * params.batch_rows + row) * rows4 + input4;
    var result = as_array(product(UPPER_BY_PARAMETERS, replica, slot, row, input4));
    if slot == 0u {
        let direct = as_array(product(GRADIENT_BY_ITERATES, replica, slot, row, input4));
        for (var i = 0u; i < 8u; i++) {
            result[i] += direct[i];
        }
    }
    for (var i = 0u; i < 8u; i++) {
        result[i] *= derivative(params.activation, activations[source + i * rows4]);
    }
    if params.activation == ACTIVATION_TANH {
        let gradient = as_array(product(GRADIENT_BY_PARAMETERS, replica, slot, row, input4));
        let tangent = ((replica * params.slots + slot) * params.batch_rows + row) * rows4 + input4;
        for (var i = 0u; i < 8u; i++) {
            let a = activations[source + i * rows4];
            result[i] -= 2.0 * a * lower_tangents[tangent + i * rows4] * gradient[i];
        }
    }
    return result;
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let is_crelu = params.activation == ACTIVATION_CRELU;
    let rows4 = params.rows / 4u;
    let width4 = select(rows4, rows4 / 2u, is_crelu);
    let replica = group.z;
    let tiles = params.batch_rows / 8u;
    let slot = group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= width4 || !is_running(replica, slot) {
        return;
    }
    var below = at_inputs(replica, slot, row, id.x);
    if is_crelu {
        let mirror = at_inputs(replica, slot, row, id.x + width4);
        for (var i = 0u; i < 8u; i++) {
            below[i] -= mirror[i];
        }
    }
    let target_row = (replica * params.slots + slot) * params.batch_rows + row;
    for (var i = 0u; i < 8u; i++) {
        lower[(target_row + i) * width4 + id.x] = below[i];
    }
}
