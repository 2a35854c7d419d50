// The tangents of one layer's activations, for every slot that reaches the layer (Pearlmutter's R-operator, forward).
//
//   Rz[s, b, :] = Ra_below[s, b, :] W            for slots that start below this layer
//               + [a_below[b, :]; 1] V[s]        for the network and for this layer's own block
//   Ra[s, b, :] = f'(z[b, :]) Rz[s, b, :]        CReLU: [f'(z) Rz, -f'(-z) Rz]
//
//   slots          [replica, all slots]
//   parameters     [replica, stride]                     this layer's tensors
//   lower_tangents [replica, slots - 1, batch_rows, rows]       none below the first layer
//   inputs         [replica, batch_rows, rows]
//   iterates       [replica, iterates_stride]            V, or the image K delta where the segment is dual
//   activations    [replica, batch_rows, columns]        CReLU: 2 columns
//   tangents       [replica, slots, batch_rows, columns] CReLU: 2 columns
//
// Terms that are zero are skipped. The slots from `first_dual` on have a dual segment here: for them [a_below; 1] V is
// the image K delta, which is known.
//
// One invocation computes 8 rows of the minibatch by one vec4 of columns in registers, as
// linear_forward does. The workgroups along y handle the row tiles of slot 0, then of slot 1, ...

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

struct Tile {
    z0: vec4<f32>,
    z1: vec4<f32>,
    z2: vec4<f32>,
    z3: vec4<f32>,
    z4: vec4<f32>,
    z5: vec4<f32>,
    z6: vec4<f32>,
    z7: vec4<f32>,
}

// 8 rows from vec4 `source` on, times 4 columns of the matrix at vec4 `matrix`.
fn add_product(tile: ptr<function, Tile>, is_lower: bool, source: u32, matrix: u32) {
    let rows4 = params.rows / 4u;
    let columns4 = params.columns / 4u;
    for (var k = 0u; k < rows4; k++) {
        let first = matrix + 4u * k * columns4;
        let at = source + k;
        if is_lower {
            let w = mat4x4<f32>(
                parameters[first],
                parameters[first + columns4],
                parameters[first + 2u * columns4],
                parameters[first + 3u * columns4],
            );
            (*tile).z0 += w * lower_tangents[at];
            (*tile).z1 += w * lower_tangents[at + rows4];
            (*tile).z2 += w * lower_tangents[at + 2u * rows4];
            (*tile).z3 += w * lower_tangents[at + 3u * rows4];
            (*tile).z4 += w * lower_tangents[at + 4u * rows4];
            (*tile).z5 += w * lower_tangents[at + 5u * rows4];
            (*tile).z6 += w * lower_tangents[at + 6u * rows4];
            (*tile).z7 += w * lower_tangents[at + 7u * rows4];
        } else {
            let v = mat4x4<f32>(
                iterates[first],
                iterates[first + columns4],
                iterates[first + 2u * columns4],
                iterates[first + 3u * columns4],
            );
            (*tile).z0 += v * inputs[at];
            (*tile).z1 += v * inputs[at + rows4];
            (*tile).z2 += v * inputs[at + 2u * rows4];
            (*tile).z3 += v * inputs[at + 3u * rows4];
            (*tile).z4 += v * inputs[at + 4u * rows4];
            (*tile).z5 += v * inputs[at + 5u * rows4];
            (*tile).z6 += v * inputs[at + 6u * rows4];
            (*tile).z7 += v * inputs[at + 7u * rows4];
        }
    }
}

@compute @workgroup_size(32)
fn main(
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(workgroup_id) group: vec3<u32>,
) {
    let columns4 = params.columns / 4u;
    let rows4 = params.rows / 4u;
    let replica = group.z;
    let tiles = params.batch_rows / 8u;
    let slot = group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= columns4 || slots[replica * params.all_slots + slot].status != SLOT_RUNNING {
        return;
    }
    let own = params.slots - 1u;
    let is_dual = slot >= params.first_dual;
    let segment = select(params.block_offset, params.network_offset, slot == 0u);
    let first = replica * params.iterates_stride + segment + id.x;

    var tile = Tile();
    if (slot == 0u || slot == own) && !is_dual {
        let bias = iterates[first + params.rows * columns4];
        tile = Tile(bias, bias, bias, bias, bias, bias, bias, bias);
        add_product(&tile, false, (replica * params.batch_rows + row) * rows4, first);
    }
    if params.has_lower != 0u && slot != own {
        let matrix = replica * params.parameters_stride + params.offset + id.x;
        let source = ((replica * own + slot) * params.batch_rows + row) * rows4;
        add_product(&tile, true, source, matrix);
    }
    var z = array(tile.z0, tile.z1, tile.z2, tile.z3, tile.z4, tile.z5, tile.z6, tile.z7);
    let target_row = (replica * params.slots + slot) * params.batch_rows + row;
    let source_row = replica * params.batch_rows + row;
    for (var i = 0u; i < 8u; i++) {
        if is_dual {
            z[i] = iterates[first + (row + i) * columns4];
        }
        if params.activation == ACTIVATION_CRELU {
            let a = activations[(source_row + i) * 2u * columns4 + id.x];
            let mirror = activations[(source_row + i) * 2u * columns4 + columns4 + id.x];
            let at = (target_row + i) * 2u * columns4 + id.x;
            tangents[at] = derivative(params.activation, a) * z[i];
            tangents[at + columns4] = -derivative(params.activation, mirror) * z[i];
        } else {
            let a = activations[(source_row + i) * columns4 + id.x];
            tangents[(target_row + i) * columns4 + id.x] = derivative(params.activation, a) * z[i];
        }
    }
}
