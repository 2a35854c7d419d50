// tangent_backward_weights in registers. One invocation computes 8 rows by one vec4 of columns, as
// linear_backward_weights does.

// Inputs 4 row4 .. 4 row4 + 3 of a sample; the bias's constant 1 follows the last.
fn input_or_bias(sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    if row4 < rows4 {
        return inputs[sample * rows4 + row4];
    }
    return vec4<f32>(select(0.0, 1.0, row4 == rows4), 0.0, 0.0, 0.0);
}

// The tangents of these inputs; that of the constant is zero.
fn tangent_or_zero(sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    if row4 < rows4 {
        return lower_tangents[sample * rows4 + row4];
    }
    return vec4<f32>(0.0);
}

fn outer(a: vec4<f32>, d: vec4<f32>) -> mat4x4<f32> {
    return mat4x4<f32>(a.x * d, a.y * d, a.z * d, a.w * d);
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let replica = group.z;
    if id.x >= columns4 || !is_due(replica) {
        return;
    }
    let first = replica * params.batch_rows;
    let gradients = replica * params.gradients_stride + params.gradients_offset + id.x;
    let first_tangent = replica * params.lower_stride;
    let row4 = group.y * 2u;
    var lower = mat4x4<f32>();
    var upper = mat4x4<f32>();
    for (var b = 0u; b < params.batch; b++) {
        let rd = tangent_gradients[gradients + b * columns4];
        lower += outer(input_or_bias(first + b, row4), rd);
        upper += outer(input_or_bias(first + b, row4 + 1u), rd);
    }
    if params.lower_stride > 0u {
        for (var b = 0u; b < params.batch; b++) {
            let d = output_gradients[(first + b) * columns4 + id.x];
            lower += outer(tangent_or_zero(first_tangent + b, row4), d);
            upper += outer(tangent_or_zero(first_tangent + b, row4 + 1u), d);
        }
    }
    let target_row = replica * params.products_stride + params.offset + id.x;
    for (var i = 0u; i < 4u; i++) {
        let row = group.y * 8u + i;
        if row <= params.rows {
            products[target_row + row * columns4] = lower[i];
        }
        if row + 4u <= params.rows {
            products[target_row + (row + 4u) * columns4] = upper[i];
        }
    }
}
