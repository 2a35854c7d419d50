// linear_backward_input by tiles, for GPUs (product.wgsl).
//
// The mirror of a second copy is a second product, which is added to the result of the first in memory: the sums of
// both would not fit into registers.

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = true;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    return output_gradients[factors.left + row * (params.columns / 4u) + k4];
}

fn right4(factors: Factors, input: u32, k4: u32) -> vec4<f32> {
    return parameters[factors.right + input * (params.columns / 4u) + k4];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let kind = params.activation;
    let copies = select(1u, 2u, has_mirror(kind));
    let width4 = rows4 / copies;
    let first = group.z * params.batch_rows;
    let weights = group.z * params.parameters_stride + params.offset;
    for (var copy = 0u; copy < copies; copy++) {
        let factors = Factors(
            0u,
            first * columns4,
            weights + copy * 4u * width4 * columns4,
            group.y * TILE_ROWS,
            group.x * TILE_COLUMNS,
            params.columns,
        );
        var sums = Sums();
        add_product(&sums, factors, lane);
        var gradient = results(sums, lane);
        for (var i = 0u; i < RESULTS; i++) {
            let at = result_at(factors, lane, i);
            if has_results(lane) && at.x < params.batch_rows && at.y < width4 {
                let row = first + at.x;
                let x = activations[argument_row(kind, row, width4, copy == 1u) + at.y];
                let target_at = row * width4 + at.y;
                var below = gradient[i];
                if copy == 0u {
                    below *= derivative(kind, x);
                } else {
                    below *= mirror_derivative(kind, x);
                }
                if copy == 1u || params.accumulate != 0u {
                    below += input_gradients[target_at];
                }
                input_gradients[target_at] = below;
            }
        }
    }
}
