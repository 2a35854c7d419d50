// linear_backward by tiles, for GPUs (product.wgsl, weight_gradient_tiled.wgsl). Each branch names its product by a
// constant, so that no load waits for a branch.
//
// The mirror of a second copy is a second product, which is added to the result of the first in memory: the sums of both
// would not fit into registers.

const INPUT_GRADIENT: u32 = 0u;
const WEIGHT_GRADIENT: u32 = 1u;

fn left_along_depth(which: u32) -> bool {
    return which == INPUT_GRADIENT;
}

fn right_along_depth(which: u32) -> bool {
    return which == INPUT_GRADIENT;
}

fn left4(factors: Factors, major: u32, minor4: u32) -> vec4<f32> {
    if factors.which == INPUT_GRADIENT {
        return output_gradients[factors.left + major * (params.columns / 4u) + minor4];
    }
    return input_or_bias(factors, major, minor4);
}

fn right4(factors: Factors, major: u32, minor4: u32) -> vec4<f32> {
    if factors.which == INPUT_GRADIENT {
        return parameters[factors.right + major * (params.columns / 4u) + minor4];
    }
    return output_gradient(factors, major, minor4);
}

// Computes tile (x, y) of the gradients of the input.
fn input_gradient(replica: u32, tile: vec2<u32>, lane: u32) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let width4 = width4();
    let first = replica * params.batch_rows;
    let weights = replica * params.parameters_stride + params.offset;
    for (var copy = 0u; copy < rows4 / width4; copy++) {
        let factors = Factors(
            INPUT_GRADIENT,
            first * columns4,
            weights + copy * 4u * width4 * columns4,
            tile.y * TILE_ROWS,
            tile.x * TILE_COLUMNS,
            params.columns,
        );
        var sums = Sums();
        add_product(&sums, factors, lane);
        var gradient = results(sums, lane);
        for (var i = 0u; i < RESULTS; i++) {
            let at = result_at(factors, lane, i);
            if has_results(lane) && at.x < params.batch_rows && at.y < width4 {
                let row = first + at.x;
                var below = input_derivative(row, at.y, copy == 1u) * gradient[i];
                let target_at = row * width4 + at.y;
                if copy == 1u || params.accumulate != 0u {
                    below += input_gradients[target_at];
                }
                input_gradients[target_at] = below;
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let input_tiles = row_tiles(params.batch_rows);
    if group.y < input_tiles {
        if group.x * TILE_COLUMNS < 4u * width4() {
            input_gradient(group.z, group.xy, lane);
        }
    } else if group.x * TILE_COLUMNS < params.columns {
        weight_gradient(WEIGHT_GRADIENT, group.z, vec2<u32>(group.x, group.y - input_tiles), lane);
    }
}
