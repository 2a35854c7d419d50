// tangent_forward in registers. One invocation computes 8 rows of the minibatch by one vec4 of columns, as
// linear_forward does.

struct Tile {
    z0: vec4<f32>,
    z1: vec4<f32>,
    z2: vec4<f32>,
    z3: vec4<f32>,
    z4: vec4<f32>,
    z5: vec4<f32>,
    z6: vec4<f32>,
    z7: vec4<f32>,
}

// 8 rows from vec4 `source` on, times 4 columns of the matrix at vec4 `matrix`.
fn add_product(tile: ptr<function, Tile>, is_lower: bool, source: u32, matrix: u32) {
    let rows4 = params.rows / 4u;
    let columns4 = params.columns / 4u;
    for (var k = 0u; k < rows4; k++) {
        let first = matrix + 4u * k * columns4;
        let at = source + k;
        if is_lower {
            let w = mat4x4<f32>(
                parameters[first],
                parameters[first + columns4],
                parameters[first + 2u * columns4],
                parameters[first + 3u * columns4],
            );
            (*tile).z0 += w * lower_tangents[at];
            (*tile).z1 += w * lower_tangents[at + rows4];
            (*tile).z2 += w * lower_tangents[at + 2u * rows4];
            (*tile).z3 += w * lower_tangents[at + 3u * rows4];
            (*tile).z4 += w * lower_tangents[at + 4u * rows4];
            (*tile).z5 += w * lower_tangents[at + 5u * rows4];
            (*tile).z6 += w * lower_tangents[at + 6u * rows4];
            (*tile).z7 += w * lower_tangents[at + 7u * rows4];
        } else {
            let v = mat4x4<f32>(
                iterates[first],
                iterates[first + columns4],
                iterates[first + 2u * columns4],
                iterates[first + 3u * columns4],
            );
            (*tile).z0 += v * inputs[at];
            (*tile).z1 += v * inputs[at + rows4];
            (*tile).z2 += v * inputs[at + 2u * rows4];
            (*tile).z3 += v * inputs[at + 3u * rows4];
            (*tile).z4 += v * inputs[at + 4u * rows4];
            (*tile).z5 += v * inputs[at + 5u * rows4];
            (*tile).z6 += v * inputs[at + 6u * rows4];
            (*tile).z7 += v * inputs[at + 7u * rows4];
        }
    }
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    let tiles = params.batch_rows / 8u;
    let slot = group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= columns4 || !is_running(replica, slot) {
        return;
    }
    let own = params.slots - 1u;
    let is_dual = slot >= params.first_dual;
    let first = segment(replica, slot) + id.x;

    var tile = Tile();
    if (slot == 0u || slot == own) && !is_dual {
        let bias = iterates[first + params.rows * columns4];
        tile = Tile(bias, bias, bias, bias, bias, bias, bias, bias);
        add_product(&tile, false, (replica * params.batch_rows + row) * rows4, first);
    }
    if slot < params.lower_slots {
        let matrix = replica * params.parameters_stride + params.offset + id.x;
        let source = ((replica * params.lower_slots + slot) * params.batch_rows + row) * rows4;
        add_product(&tile, true, source, matrix);
    }
    var z = array(tile.z0, tile.z1, tile.z2, tile.z3, tile.z4, tile.z5, tile.z6, tile.z7);
    let target_row = (replica * params.slots + slot) * params.batch_rows + row;
    let source_row = replica * params.batch_rows + row;
    for (var i = 0u; i < 8u; i++) {
        if is_dual {
            z[i] = iterates[first + (row + i) * columns4];
        }
        write(target_row + i, source_row + i, id.x, z[i]);
    }
}
