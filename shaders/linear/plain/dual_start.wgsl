// dual_start in registers. One invocation computes 8 rows of the minibatch by one vec4 of columns, as linear_forward
// does.

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    let tiles = params.batch_rows / 8u;
    let slot = params.first_dual + group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= columns4 || !is_running(replica, slot) {
        return;
    }
    let matrix = vector(replica, slot) + id.x;
    let source = (replica * params.batch_rows + row) * rows4;
    let bias = vectors[matrix + params.rows * columns4];
    var z0 = bias;
    var z1 = bias;
    var z2 = bias;
    var z3 = bias;
    var z4 = bias;
    var z5 = bias;
    var z6 = bias;
    var z7 = bias;
    for (var k = 0u; k < rows4; k++) {
        let first = matrix + 4u * k * columns4;
        let at = source + k;
        let v = mat4x4<f32>(
            vectors[first],
            vectors[first + columns4],
            vectors[first + 2u * columns4],
            vectors[first + 3u * columns4],
        );
        z0 += v * inputs[at];
        z1 += v * inputs[at + rows4];
        z2 += v * inputs[at + 2u * rows4];
        z3 += v * inputs[at + 3u * rows4];
        z4 += v * inputs[at + 4u * rows4];
        z5 += v * inputs[at + 5u * rows4];
        z6 += v * inputs[at + 6u * rows4];
        z7 += v * inputs[at + 7u * rows4];
    }
    let delta = segment(replica, slot) + row * columns4 + id.x;
    write(delta, z0);
    write(delta + columns4, z1);
    write(delta + 2u * columns4, z2);
    write(delta + 3u * columns4, z3);
    write(delta + 4u * columns4, z4);
    write(delta + 5u * columns4, z5);
    write(delta + 6u * columns4, z6);
    write(delta + 7u * columns4, z7);
}
