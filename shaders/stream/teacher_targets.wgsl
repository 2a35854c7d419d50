// The targets of slowly changing regression: outputs of a random teacher for the images of the minibatch.
//
//   h_u(x) = 1 where sum_p s[u, p] x_p >= 0, else -1;   s[u, p] = +-1
//   y_c(x) = 1/8 sum_u a[c, u] h_u(x);                  a[c, u] = +-1, 64 units
//
// x_p are stored pixels, not standardised. Sums of bytes are exact in f32, and so are the targets: every device has the same
// bits. The signs s and a are random bits of the unit and the number of its replacements, which teacher_draw gives.
//
//   configs [replica]
//   states  [replica]                       the task
//   images  [total, words]                  u8, four pixels to a word, or f32
//   labels  [replica, batch_rows]           each sample's image in the data set
//   targets [replica, batch_rows, columns]  0 in padding
//
// One workgroup handles one row: invocation u has unit u, and then output u, u + 64, ...

struct Params {
    batch: u32,
    batch_rows: u32,
    classes: u32,
    columns: u32,
    pixels: u32,
    words: u32,
    floats: u32,    // 1 for images of f32, 0 for u8
    replaced: u32,  // units that each task replaces
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> images: array<u32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read_write> targets: array<f32>;

var<workgroup> units: array<u32, TEACHER_UNITS>;

// The sum of the pixels of the image that begins at word `source`, each with its sign.
fn signed_sum(seed: u32, draw_of: u32, source: u32) -> f32 {
    var sum = 0.0;
    var signs = 0u;
    for (var pixel = 0u; pixel < params.pixels; pixel++) {
        if pixel % 32u == 0u {
            signs = draw(seed, STREAM_TEACHER_INPUTS, draw_of, pixel / 32u);
        }
        let value = stored_pixel(source, pixel);
        sum += select(-value, value, (signs & 1u) == 1u);
        signs >>= 1u;
    }
    return sum;
}

@compute @workgroup_size(TEACHER_UNITS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let row = group.z * params.batch_rows + group.x;
    let seed = configs[group.z].seed;
    let task = states[group.z].task;
    let is_padding = group.x >= params.batch;
    if !is_padding {
        let sum = signed_sum(seed, teacher_draw(task, params.replaced, local.x), labels[row] * params.words);
        units[local.x] = u32(sum >= 0.0);
    }
    workgroupBarrier();
    for (var c = local.x; c < params.columns; c += TEACHER_UNITS) {
        var sum = 0;
        if !is_padding && c < params.classes {
            for (var unit = 0u; unit < TEACHER_UNITS; unit++) {
                let signs = draw(seed, STREAM_TEACHER_OUTPUTS, teacher_draw(task, params.replaced, unit), c / 32u);
                sum += select(-1, 1, ((signs >> (c % 32u)) & 1u) == units[unit]);
            }
        }
        targets[row * params.columns + c] = f32(sum) * 0.125;
    }
}
