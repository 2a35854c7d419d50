// gram_product in registers. One invocation computes 8 rows by one vec4 of columns.

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let width4 = params.batch_rows / 4u;
    let replica = group.z;
    let tiles = params.batch_rows / 8u;
    let slot = params.first_dual + group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= columns4 || !is_running(replica, slot) {
        return;
    }
    let source = (replica * params.slots + slot) * params.batch_rows * columns4 + id.x;
    let k_first = (replica * params.batch_rows + row) * width4;
    var lower = mat4x4<f32>();
    var upper = mat4x4<f32>();
    for (var k = 0u; k < width4; k++) {
        let first = source + 4u * k * columns4;
        let delta = mat4x4<f32>(
            tangent_gradients[first],
            tangent_gradients[first + columns4],
            tangent_gradients[first + 2u * columns4],
            tangent_gradients[first + 3u * columns4],
        );
        let at = k_first + k;
        lower += delta * mat4x4<f32>(
            gram[at],
            gram[at + width4],
            gram[at + 2u * width4],
            gram[at + 3u * width4],
        );
        upper += delta * mat4x4<f32>(
            gram[at + 4u * width4],
            gram[at + 5u * width4],
            gram[at + 6u * width4],
            gram[at + 7u * width4],
        );
    }
    let delta = segment(replica, slot) + row * columns4 + id.x;
    let image = delta + params.batch_rows * columns4;
    for (var i = 0u; i < 4u; i++) {
        let near = source + (row + i) * columns4;
        products[delta + i * columns4] = tangent_gradients[near];
        products[delta + (i + 4u) * columns4] = tangent_gradients[near + 4u * columns4];
        products[image + i * columns4] = lower[i];
        products[image + (i + 4u) * columns4] = upper[i];
    }
}
