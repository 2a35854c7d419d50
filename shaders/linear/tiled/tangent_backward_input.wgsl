// tangent_backward_input by tiles, for GPUs (product.wgsl).
//
// CReLU's mirror and tanh's f'' need sums of their own, which a second pass subtracts from the result in memory: the
// sums of two products do not fit into registers.

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = true;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    let at = factors.left + row * (params.columns / 4u) + k4;
    if factors.which == UPPER_BY_PARAMETERS {
        return upper[at];
    }
    return output_gradients[at];
}

fn right4(factors: Factors, input: u32, k4: u32) -> vec4<f32> {
    let at = factors.right + input * (params.columns / 4u) + k4;
    if factors.which == GRADIENT_BY_ITERATES {
        return iterates[at];
    }
    return parameters[at];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let copies = select(1u, 2u, params.activation == ACTIVATION_CRELU);
    let width4 = rows4 / copies;
    let replica = group.z;
    let tiles = row_tiles(params.batch_rows);
    let slot = group.y / tiles;
    if !is_running(replica, slot) {
        return;
    }
    let first = replica * params.batch_rows;
    let first_upper = (replica * (params.slots + 1u) + slot) * params.batch_rows;
    let first_lower = (replica * params.slots + slot) * params.batch_rows;
    let layer = replica * params.parameters_stride + params.offset;
    let vector = replica * params.iterates_stride + params.network_offset;
    let passes = select(copies, 2u, params.activation == ACTIVATION_TANH);
    for (var pass_number = 0u; pass_number < passes; pass_number++) {
        let copy = pass_number * (copies - 1u);
        let is_curved = pass_number == 1u && params.activation == ACTIVATION_TANH;
        let inputs_before = copy * 4u * width4 * columns4;
        var factors = Factors(
            UPPER_BY_PARAMETERS,
            first_upper * columns4,
            layer + inputs_before,
            (group.y % tiles) * TILE_ROWS,
            group.x * TILE_COLUMNS,
            params.columns,
        );
        var sums = Sums();
        if is_curved {
            factors.which = GRADIENT_BY_PARAMETERS;
            factors.left = first * columns4;
        }
        add_product(&sums, factors, lane);
        if slot == 0u && !is_curved {
            factors.which = GRADIENT_BY_ITERATES;
            factors.left = first * columns4;
            factors.right = vector + inputs_before;
            add_product(&sums, factors, lane);
        }
        var gradient = results(sums, lane);
        for (var i = 0u; i < RESULTS; i++) {
            let at = result_at(factors, lane, i);
            if has_results(lane) && at.x < params.batch_rows && at.y < width4 {
                let input4 = copy * width4 + at.y;
                let a = activations[(first + at.x) * rows4 + input4];
                let target_at = (first_lower + at.x) * width4 + at.y;
                if is_curved {
                    let tangent = lower_tangents[(first_lower + at.x) * rows4 + input4];
                    lower[target_at] -= 2.0 * a * tangent * gradient[i];
                } else if copy == 1u {
                    lower[target_at] -= derivative(params.activation, a) * gradient[i];
                } else {
                    lower[target_at] = derivative(params.activation, a) * gradient[i];
                }
            }
        }
    }
}
