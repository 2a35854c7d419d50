// linear_backward in registers. One invocation computes 8 rows by one vec4 of columns of either product; the rows are the
// same for the whole workgroup. The sum over outputs runs in ascending order, four at a time. The other product is in
// weight_gradient_plain.wgsl.

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

// The gradients with respect to the activations: 8 rows from `row` on, inputs 4 input4 .. 4 input4 + 3.
fn product(replica: u32, row: u32, input4: u32) -> Tile {
    let columns4 = params.columns / 4u;
    let first = replica * params.parameters_stride + params.offset + 4u * input4 * columns4;
    let source = row * columns4;
    var tile = Tile();
    for (var k = 0u; k < columns4; k++) {
        let w = mat4x4<f32>(
            parameters[first + k],
            parameters[first + columns4 + k],
            parameters[first + 2u * columns4 + k],
            parameters[first + 3u * columns4 + k],
        );
        tile.g0 += output_gradients[source + k] * w;
        tile.g1 += output_gradients[source + columns4 + k] * w;
        tile.g2 += output_gradients[source + 2u * columns4 + k] * w;
        tile.g3 += output_gradients[source + 3u * columns4 + k] * w;
        tile.g4 += output_gradients[source + 4u * columns4 + k] * w;
        tile.g5 += output_gradients[source + 5u * columns4 + k] * w;
        tile.g6 += output_gradients[source + 6u * columns4 + k] * w;
        tile.g7 += output_gradients[source + 7u * columns4 + k] * w;
    }
    return tile;
}

// The gradients of the input: rows 8 row8 .. 8 row8 + 7 of a replica's minibatch, inputs 4 input4 .. 4 input4 + 3.
fn input_gradient(replica: u32, row8: u32, input4: u32) {
    let width4 = width4();
    if input4 >= width4 {
        return;
    }
    let row = replica * params.batch_rows + row8 * 8u;
    let upper = product(replica, row, input4);
    var below = array(
        upper.g0, upper.g1, upper.g2, upper.g3, upper.g4, upper.g5, upper.g6, upper.g7,
    );
    for (var i = 0u; i < 8u; i++) {
        below[i] *= input_derivative(row + i, input4, false);
    }
    if has_mirror(activation()) {
        let mirror = product(replica, row, input4 + width4);
        let mirrored = array(
            mirror.g0, mirror.g1, mirror.g2, mirror.g3, mirror.g4, mirror.g5, mirror.g6, mirror.g7,
        );
        for (var i = 0u; i < 8u; i++) {
            below[i] += input_derivative(row + i, input4, true) * mirrored[i];
        }
    }
    for (var i = 0u; i < 8u; i++) {
        let at = (row + i) * width4 + input4;
        if params.accumulate != 0u {
            below[i] += input_gradients[at];
        }
        input_gradients[at] = below[i];
    }
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let input_groups = params.batch_rows / 8u;
    if group.y < input_groups {
        input_gradient(group.z, group.y, id.x);
    } else {
        weight_gradient(group.z, group.y - input_groups, id.x);
    }
}
