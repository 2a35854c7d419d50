// gram in registers. One invocation computes 8 rows by one vec4 of columns.

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let rows4 = params.rows / 4u;
    let width4 = params.batch_rows / 4u;
    if id.x >= width4 {
        return;
    }
    let first = group.z * params.batch_rows;
    let row = group.y * 8u;
    var lower = mat4x4<f32>();
    var upper = mat4x4<f32>();
    for (var k = 0u; k < rows4; k++) {
        let column = (first + id.x * 4u) * rows4 + k;
        // Row j holds four inputs of sample 4 id.x + j: a vector times its transpose is four dots.
        let c = transpose(mat4x4<f32>(
            inputs[column],
            inputs[column + rows4],
            inputs[column + 2u * rows4],
            inputs[column + 3u * rows4],
        ));
        let source = (first + row) * rows4 + k;
        lower += c * mat4x4<f32>(
            inputs[source],
            inputs[source + rows4],
            inputs[source + 2u * rows4],
            inputs[source + 3u * rows4],
        );
        upper += c * mat4x4<f32>(
            inputs[source + 4u * rows4],
            inputs[source + 5u * rows4],
            inputs[source + 6u * rows4],
            inputs[source + 7u * rows4],
        );
    }
    for (var i = 0u; i < 4u; i++) {
        gram[(first + row + i) * width4 + id.x] = lower[i] + vec4<f32>(1.0);
        gram[(first + row + i + 4u) * width4 + id.x] = upper[i] + vec4<f32>(1.0);
    }
}
