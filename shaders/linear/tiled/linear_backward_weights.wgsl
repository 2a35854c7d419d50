// linear_backward_weights by tiles, for GPUs (product.wgsl, weight_gradient_tiled.wgsl).

fn left_along_depth(which: u32) -> bool {
    return false;
}

fn right_along_depth(which: u32) -> bool {
    return false;
}

fn left4(factors: Factors, sample: u32, row4: u32) -> vec4<f32> {
    return input_or_bias(factors, sample, row4);
}

fn right4(factors: Factors, sample: u32, column4: u32) -> vec4<f32> {
    return output_gradient(factors, sample, column4);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    weight_gradient(0u, group.z, group.xy, lane);
}
