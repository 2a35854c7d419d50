// tangent_backward_input for GPUs: the same bindings, by tiles (product.wgsl). That file describes the shapes.
//
//   Rd_below[s, b, :] = f'(z) (Rd[s, b, :] W^T + d[b, :] V^T)  + f''(z) Rz[s, b, :] (d[b, :] W^T)
//
// V is this layer's segment of the slot's iterate: only the network has one here. The workgroups along y handle the row
// tiles of slot 0, then of slot 1, ... CReLU's mirror and tanh's f'' need sums of their own, which a second pass
// subtracts from the result in memory: the sums of two products do not fit into registers.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,         // the activation of the layer below
    slots: u32,              // slots that reach the layer below
    all_slots: u32,
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's V
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read> upper: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read_write> lower: array<vec4<f32>>;

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = true;

const UPPER_BY_PARAMETERS: u32 = 0u;     // Rd W^T
const GRADIENT_BY_ITERATES: u32 = 1u;    // d V^T
const GRADIENT_BY_PARAMETERS: u32 = 2u;  // d W^T

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
    let tiles = (params.batch_rows + TILE_ROWS - 1u) / TILE_ROWS;
    let slot = group.y / tiles;
    if slots[replica * params.all_slots + slot].status != SLOT_RUNNING {
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
