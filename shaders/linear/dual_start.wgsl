// The start vectors of one layer's dual segments: no sample gradients yet, delta = 0, and the image [a; 1] V.
//
//   slots    [replica, all slots]
//   inputs   [replica, batch_rows, rows]                 a
//   vectors  [replica, vectors_stride]                   V
//   iterates [replica, iterates_stride]                  delta, then the image
//
// One invocation computes 8 rows of the minibatch by one vec4 of columns in registers, as linear_forward does. The
// workgroups along y handle the row tiles of the first dual slot, then of the second.

struct Params {
    vectors_stride: u32,     // vec4s per replica
    network_vector: u32,     // vec4s before the network's V
    block_vector: u32,       // vec4s before the block's V
    rows: u32,
    columns: u32,
    batch_rows: u32,
    slots: u32,              // slots that reach this layer; the last is the layer's own block
    all_slots: u32,
    first_dual: u32,         // the first slot with a dual segment
    iterates_stride: u32,    // vec4s per replica
    network_offset: u32,     // vec4s before the network's delta
    block_offset: u32,       // vec4s before the block's delta
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> vectors: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> iterates: array<vec4<f32>>;

fn write(at: u32, z: vec4<f32>) {
    iterates[at] = vec4<f32>(0.0);
    iterates[at + params.batch_rows * (params.columns / 4u)] = z;
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
    let slot = params.first_dual + group.y / tiles;
    let row = (group.y % tiles) * 8u;
    if id.x >= columns4 || slots[replica * params.all_slots + slot].status != SLOT_RUNNING {
        return;
    }
    let vector = select(params.block_vector, params.network_vector, slot == 0u);
    let matrix = replica * params.vectors_stride + vector + id.x;
    let source = (replica * params.batch_rows + row) * rows4;
    let bias = vectors[matrix + params.rows * columns4];
    var z0 = bias;
    var z1 = bias;
    var z2 = bias;
    var z3 = bias;
    var z4 = bias;
    var z5 = bias;
    var z6 = bias;
    var z7 = bias;
    for (var k = 0u; k < rows4; k++) {
        let first = matrix + 4u * k * columns4;
        let at = source + k;
        let v = mat4x4<f32>(
            vectors[first],
            vectors[first + columns4],
            vectors[first + 2u * columns4],
            vectors[first + 3u * columns4],
        );
        z0 += v * inputs[at];
        z1 += v * inputs[at + rows4];
        z2 += v * inputs[at + 2u * rows4];
        z3 += v * inputs[at + 3u * rows4];
        z4 += v * inputs[at + 4u * rows4];
        z5 += v * inputs[at + 5u * rows4];
        z6 += v * inputs[at + 6u * rows4];
        z7 += v * inputs[at + 7u * rows4];
    }
    let segment = select(params.block_offset, params.network_offset, slot == 0u);
    let delta = replica * params.iterates_stride + segment + row * columns4 + id.x;
    write(delta, z0);
    write(delta + columns4, z1);
    write(delta + 2u * columns4, z2);
    write(delta + 3u * columns4, z3);
    write(delta + 4u * columns4, z4);
    write(delta + 5u * columns4, z5);
    write(delta + 6u * columns4, z6);
    write(delta + 7u * columns4, z7);
}
