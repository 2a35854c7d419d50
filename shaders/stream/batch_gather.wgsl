// The next minibatch of the task stream: stored pixels to standardised f32, and their labels.
//
//   inputs[r, b, c] = image[p] * standards[p / plane].x + standards[p / plane].y, where p = source(c)
//   labels[r, b]    = the image's label
//
// On random labels source(c) = c and the label is the task's; on permuted pixels source is the task's
// permutation and the label is the image's own. Factor and addend of a channel subtract its mean and
// divide by its standard deviation.
//
//   configs      [replica]
//   states       [replica]                task, epoch and minibatch to gather
//   images       [total, words]           one data set for all replicas; u8, four pixels to a word, or f32
//   image_labels [total]                  its labels; one zero where labels are random
//   standards    [channels]               factor and addend of each channel's pixels
//   inputs       [replica, batch_rows, columns]
//   labels       [replica, batch_rows]
//
// One workgroup gathers one row: its first invocation finds the image, and all invocations copy its pixels. Rows past
// the minibatch and columns past the image are padding and become zero.

struct Params {
    batch: u32,
    batch_rows: u32,
    columns: u32,
    pixels: u32,
    words: u32,
    total: u32,
    images: u32,
    relabelled: u32,
    classes: u32,
    permuted: u32,   // 1 for permuted pixels, 0 for random labels
    floats: u32,     // 1 for images of f32, 0 for u8
    plane: u32,      // pixels of one channel
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> images: array<u32>;
@group(0) @binding(4) var<storage, read> image_labels: array<u32>;
@group(0) @binding(5) var<storage, read> standards: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> inputs: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> labels: array<u32>;

var<workgroup> image: u32;

// The stored pixel `pixel` of the image that begins at word `source`.
fn stored_pixel(source: u32, pixel: u32) -> f32 {
    if params.floats == 1u {
        return bitcast<f32>(images[source + pixel]);
    }
    return f32((images[source + pixel / 4u] >> (8u * (pixel % 4u))) & 255u);
}

// The standardised pixel in `column`.
fn gather_pixel(replica: u32, source: u32, column: u32) -> f32 {
    if column >= params.pixels {
        return 0.0;
    }
    var pixel = column;
    if params.permuted == 1u {
        pixel = task_pixel(configs[replica].seed, states[replica].task, params.pixels, column);
    }
    let standard = standards[pixel / params.plane];
    return stored_pixel(source, pixel) * standard.x + standard.y;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let row = group.x;
    let replica = group.z;
    let is_padding = row >= params.batch;
    if local.x == 0u {
        var label = 0u;
        if !is_padding {
            let seed = configs[replica].seed;
            let task = states[replica].task;
            let position = states[replica].batch * params.batch + row;
            let index = epoch_image(seed, task, states[replica].epoch, params.images, position);
            image = subset_image(seed, params.total, index);
            if params.permuted == 0u {
                label = task_label(seed, task, params.images, params.relabelled, params.classes, index);
            } else {
                label = image_labels[image];
            }
        }
        labels[replica * params.batch_rows + row] = label;
    }
    workgroupBarrier();
    let source = image * params.words;
    let columns4 = params.columns / 4u;
    let target_row = (replica * params.batch_rows + row) * columns4;
    for (var word = local.x; word < columns4; word += 64u) {
        var values = vec4<f32>(0.0);
        if !is_padding {
            for (var lane = 0u; lane < 4u; lane++) {
                values[lane] = gather_pixel(replica, source, word * 4u + lane);
            }
        }
        inputs[target_row + word] = values;
    }
}
