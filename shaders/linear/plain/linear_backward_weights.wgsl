// linear_backward_weights in registers. One invocation computes 8 rows by one vec4 of columns; the rows are the same for
// the whole workgroup (weight_gradient_plain.wgsl).

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    weight_gradient(group.z, group.y, id.x);
}
