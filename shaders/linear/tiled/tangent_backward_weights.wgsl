// tangent_backward_weights for GPUs: the same bindings, by tiles (product.wgsl). That file describes the shapes.
//
//   products[i, o]    = sum_b inputs[b, i] Rd[b, o] + lower_tangents[b, i] d[b, o]
//   products[rows, o] = sum_b Rd[b, o]                                         (the bias)

struct Params {
    products_stride: u32,   // vec4s per replica
    offset: u32,            // vec4s before this segment or vector
    rows: u32,
    columns: u32,
    batch: u32,
    batch_rows: u32,
    slot: u32,
    all_slots: u32,
    gradients_stride: u32,  // vec4s per replica
    gradients_offset: u32,  // vec4s before Rd or delta
    lower_stride: u32,      // rows per replica; 0 where the input has no tangent
    is_iterate: u32,        // 1: delta of the iterate, at the end of a probe
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> output_gradients: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> tangent_gradients: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> products: array<vec4<f32>>;

const LEFT_ALONG_DEPTH: bool = false;
const RIGHT_ALONG_DEPTH: bool = false;

const INPUTS_BY_TANGENTS: u32 = 0u;
const TANGENTS_BY_GRADIENTS: u32 = 1u;

// The bias's constant 1, whose tangent is zero, follows a sample's last input.
fn left4(factors: Factors, sample: u32, row4: u32) -> vec4<f32> {
    let rows4 = params.rows / 4u;
    let at = factors.left + sample * rows4 + min(row4, rows4 - 1u);
    if factors.which == INPUTS_BY_TANGENTS {
        return select(vec4<f32>(1.0, 0.0, 0.0, 0.0), inputs[at], row4 < rows4);
    }
    return select(vec4<f32>(0.0), lower_tangents[at], row4 < rows4);
}

fn right4(factors: Factors, sample: u32, column4: u32) -> vec4<f32> {
    let at = factors.right + sample * (params.columns / 4u) + column4;
    if factors.which == INPUTS_BY_TANGENTS {
        return tangent_gradients[at];
    }
    return output_gradients[at];
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(local_invocation_index) lane: u32,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    let slot = slots[replica * params.all_slots + params.slot];
    let is_running = slot.status == SLOT_RUNNING;
    let has_iterate = slot.advanced > 0u && slot.status != SLOT_DIVERGED;
    if !select(is_running, has_iterate, params.is_iterate != 0u) {
        return;
    }
    let first = replica * params.batch_rows;
    var factors = Factors(
        INPUTS_BY_TANGENTS,
        first * rows4,
        replica * params.gradients_stride + params.gradients_offset,
        group.y * TILE_ROWS,
        group.x * TILE_COLUMNS,
        params.batch,
    );
    var sums = Sums();
    add_product(&sums, factors, lane);
    if params.lower_stride > 0u {
        factors.which = TANGENTS_BY_GRADIENTS;
        factors.left = replica * params.lower_stride * rows4;
        factors.right = first * columns4;
        add_product(&sums, factors, lane);
    }
    var product = results(sums, lane);
    if !has_results(lane) {
        return;
    }
    let part = replica * params.products_stride + params.offset;
    for (var i = 0u; i < RESULTS; i++) {
        let at = result_at(factors, lane, i);
        if at.x <= params.rows && at.y < columns4 {
            products[part + at.x * columns4 + at.y] = product[i];
        }
    }
}
