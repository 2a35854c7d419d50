// The tangents of patches, for every slot that reaches them (R-operator, forward): the patches of the tangents.
//
//   tangents[s, b, p, (c kernel_height + i) kernel_width + j]
//       = inputs[s, b, y stride - padding + i, x stride - padding + j, c]    zero for slots that do not reach the input
//
//   slots    [replica, all slots]
//   inputs   [replica, lower_slots, batch_rows, height, width, copies, units with padding]    Ra of the input
//   tangents [replica, slots, batch_rows, out_height, out_width, columns]                     position p = (y, x)
//
// One invocation computes one vec4 of one sample of one slot; the slots, and the samples of each, are along y.

struct Params {
    batch_rows: u32,
    columns: u32,        // of the patches, with padding
    units: u32,          // channels of a copy
    copies: u32,
    sample_stride: u32,  // elements from one sample of the input to the next
    copy_stride: u32,
    channel_stride: u32,
    row_stride: u32,
    column_stride: u32,
    height: u32,        // the grid of the input
    width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    padding: u32,
    out_height: u32,    // the grid of the windows
    out_width: u32,
    slots: u32,          // slots that reach the patches
    lower_slots: u32,    // slots that reach the input
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read_write> tangents: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let size = params.out_height * params.out_width * columns4;
    let replica = id.z;
    let slot = id.y / params.batch_rows;
    if id.x >= size || !is_running(replica, slot) {
        return;
    }
    let sample = id.y - slot * params.batch_rows;
    let position = id.x / columns4;
    var found = vec4<f32>(0.0);
    if slot < params.lower_slots {
        let source = (replica * params.lower_slots + slot) * params.batch_rows + sample;
        found = patch_elements(source * params.sample_stride, position, id.x - position * columns4);
    }
    tangents[((replica * params.slots + slot) * params.batch_rows + sample) * size + id.x] = found;
}
