// linear_forward in registers. One invocation computes 8 rows of the minibatch by one vec4 of columns; the rows are the
// same for the whole workgroup. The sum over inputs runs in ascending order, four at a time.

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let column4 = id.x;
    if column4 >= columns4 {
        return;
    }
    let weights = group.z * params.parameters_stride + params.offset + column4;
    let row = group.z * params.batch_rows + group.y * 8u;
    let source = row * rows4;

    let bias = parameters[weights + params.rows * columns4];
    var z0 = bias;
    var z1 = bias;
    var z2 = bias;
    var z3 = bias;
    var z4 = bias;
    var z5 = bias;
    var z6 = bias;
    var z7 = bias;
    for (var k = 0u; k < rows4; k++) {
        let first = weights + 4u * k * columns4;
        let w = mat4x4<f32>(
            parameters[first],
            parameters[first + columns4],
            parameters[first + 2u * columns4],
            parameters[first + 3u * columns4],
        );
        z0 += w * inputs[source + k];
        z1 += w * inputs[source + rows4 + k];
        z2 += w * inputs[source + 2u * rows4 + k];
        z3 += w * inputs[source + 3u * rows4 + k];
        z4 += w * inputs[source + 4u * rows4 + k];
        z5 += w * inputs[source + 5u * rows4 + k];
        z6 += w * inputs[source + 6u * rows4 + k];
        z7 += w * inputs[source + 7u * rows4 + k];
    }
    write(row, column4, z0);
    write(row + 1u, column4, z1);
    write(row + 2u, column4, z2);
    write(row + 3u, column4, z3);
    write(row + 4u, column4, z4);
    write(row + 5u, column4, z5);
    write(row + 6u, column4, z6);
    write(row + 7u, column4, z7);
}
