// The tangents of a pool, for every slot that reaches it (R-operator, forward).
//
//   Rz[s, b, p, c] = lower_tangents[s, b, q, c] at the first q of window p with the maximum, or 1/area times the sum over q
//   Ra[s, b, p, :] = f'(z[b, p, :]) Rz[s, b, p, :]              two copies: [f1'(z) Rz, f2'(z) Rz]
//
//   slots          [replica, all slots]
//   inputs         [replica, batch_rows, height, width, copies, copy_units with padding]    channel c counts all copies
//   lower_tangents [replica, lower_slots, batch_rows, height, width, copies, copy_units with padding]    Ra of the input
//   activations    [replica, batch_rows, out_height, out_width, columns]    the pool; two copies: 2 columns; where z is kept,
//                  z [.., columns]
//   tangents       [replica, slots, batch_rows, out_height, out_width, columns]    Ra; two copies: 2 columns
//   pre_activation_tangents [replica, slots, batch_rows, out_height, out_width, columns]    Rz; only where z is kept
//
// Tangents are zero for slots that do not reach the input. One invocation computes one vec4 of one sample of one slot; the
// slots, and the samples of each, are along y. A window is read in row-major order.

struct Params {
    batch_rows: u32,
    columns: u32,       // of the output, with padding
    activation: u32,    // the activation of the output
    copy_units: u32,    // channels of a copy of the input
    copies: u32,        // of the input
    is_maximum: u32,    // 1: the maximum, 0: the mean
    share: f32,         // of one element in a mean
    height: u32,        // the grid of the input
    width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    padding: u32,
    out_height: u32,    // the grid of the windows
    out_width: u32,
    slots: u32,         // slots that reach the pool
    lower_slots: u32,   // slots that reach the input
    all_slots: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> slots: array<ProbeSlot>;
@group(0) @binding(2) var<storage, read> inputs: array<f32>;
@group(0) @binding(3) var<storage, read> lower_tangents: array<f32>;
@group(0) @binding(4) var<storage, read> activations: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> tangents: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> pre_activation_tangents: array<vec4<f32>>;

// Tangents at positions of a sample whose tangents begin at element `first`.
fn tangents_at(first: u32, positions: vec4<u32>, places: vec4<u32>) -> vec4<f32> {
    let at = first + positions * pixel_stride() + places;
    return vec4<f32>(
        lower_tangents[at.x],
        lower_tangents[at.y],
        lower_tangents[at.z],
        lower_tangents[at.w],
    );
}

fn mean(first: u32, number: u32, places: vec4<u32>) -> vec4<f32> {
    let part = inside(number);
    var sum = vec4<f32>(0.0);
    for (var y = part.y; y < part.end_y; y++) {
        for (var x = part.x; x < part.end_x; x++) {
            sum += tangents_at(first, vec4<u32>(y * params.width + x), places);
        }
    }
    return params.share * sum;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let columns4 = params.columns / 4u;
    let windows = params.out_height * params.out_width;
    let replica = id.z;
    let slot = id.y / params.batch_rows;
    if id.x >= windows * columns4 || !is_running(replica, slot) {
        return;
    }
    let own_sample = id.y - slot * params.batch_rows;
    let sample = replica * params.batch_rows + own_sample;
    let number = id.x / columns4;
    let column4 = id.x - number * columns4;
    let places = places_of(4u * column4);
    let image = params.height * params.width * pixel_stride();
    var rz = vec4<f32>(0.0);
    if slot < params.lower_slots {
        let lower_sample = (replica * params.lower_slots + slot) * params.batch_rows + own_sample;
        if params.is_maximum != 0u {
            let positions = maximum(sample * image, number, places).position;
            rz = tangents_at(lower_sample * image, positions, places);
        } else {
            rz = mean(lower_sample * image, number, places);
        }
    }
    let columns = vec4<u32>(4u * column4) + vec4<u32>(0u, 1u, 2u, 3u);
    rz = select(vec4<f32>(0.0), rz, columns < vec4<u32>(params.copies * params.copy_units));
    let target_row = ((replica * params.slots + slot) * params.batch_rows + own_sample) * windows + number;
    write(target_row, sample * windows + number, column4, rz);
}
