// tangent_forward for GPUs: the same bindings, by tiles (product.wgsl). That file describes the shapes.
//
//   Rz[s, b, :] = Ra_below[s, b, :] W + [a_below[b, :]; 1] V[s],   Ra[s, b, :] = f'(z[b, :]) Rz[s, b, :]
//
// The workgroups along y handle the row tiles of slot 0, then of slot 1, ... Those of a converged slot return at once.

struct Params {
    parameters_stride: u32,  // vec4s per replica
    offset: u32,             // vec4s before this layer
    rows: u32,
    columns: u32,
    batch_rows: u32,
    activation: u32,
    slots: u32,              // slots that reach this layer; the last is the layer's own block
    all_slots: u32,
    has_lower: u32,          // 0 for the first layer
    first_dual: u32,         // `slots` when no segment of the layer is dual
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's V or image
    block_offset: u32,       // vec4s before the block's V or image
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> iterates: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> tangents: array<vec4<f32>>;

const LEFT_ALONG_DEPTH: bool = true;
const RIGHT_ALONG_DEPTH: bool = false;

const INPUTS_BY_ITERATES: u32 = 0u;
const TANGENTS_BY_PARAMETERS: u32 = 1u;

fn left4(factors: Factors, row: u32, k4: u32) -> vec4<f32> {
    let at = factors.left + row * (params.rows / 4u) + k4;
    if factors.which == INPUTS_BY_ITERATES {
        return inputs[at];
    }
    return lower_tangents[at];
}

fn right4(factors: Factors, k: u32, column4: u32) -> vec4<f32> {
    let at = factors.right + k * (params.columns / 4u) + column4;
    if factors.which == INPUTS_BY_ITERATES {
        return iterates[at];
    }
    return parameters[at];
}

fn write(at: u32, source: u32, rz: vec4<f32>) {
    let columns4 = params.columns / 4u;
    tangents[at] = derivative(params.activation, activations[source]) * rz;
    if params.activation == ACTIVATION_CRELU {
        let mirror = activations[source + columns4];
        tangents[at + columns4] = -derivative(params.activation, mirror) * rz;
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    let tiles = (params.batch_rows + TILE_ROWS - 1u) / TILE_ROWS;
    let slot = group.y / tiles;
    if slots[replica * params.all_slots + slot].status != SLOT_RUNNING {
        return;
    }
    let own = params.slots - 1u;
    let is_dual = slot >= params.first_dual;
    let is_primal = (slot == 0u || slot == own) && !is_dual;

    let segment = select(params.block_offset, params.network_offset, slot == 0u);
    let first = replica * params.iterates_stride + segment;
    var factors = Factors(
        INPUTS_BY_ITERATES,
        replica * params.batch_rows * rows4,
        first,
        (group.y % tiles) * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.rows,
    );
    var sums = Sums();
    if is_primal {
        add_product(&sums, factors, lane);
    }
    if params.has_lower != 0u && slot != own {
        factors.which = TANGENTS_BY_PARAMETERS;
        factors.left = (replica * own + slot) * params.batch_rows * rows4;
        factors.right = replica * params.parameters_stride + params.offset;
        add_product(&sums, factors, lane);
    }
    var z = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let copies = select(1u, 2u, params.activation == ACTIVATION_CRELU);
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x < params.batch_rows && at.y < columns4 {
            var rz = z[i];
            if is_primal {
                rz += iterates[first + params.rows * columns4 + at.y];
            }
            if is_dual {
                rz = iterates[first + at.x * columns4 + at.y];
            }
            let width4 = copies * columns4;
            let row = (replica * params.slots + slot) * params.batch_rows + at.x;
            write(row * width4 + at.y, (replica * params.batch_rows + at.x) * width4 + at.y, rz);
        }
    }
}
