// The next minibatch of the task stream: packed u8 pixels to standardised f32, and their labels.
//
//   inputs[r, b, c] = (image[source(c)] / 255 - mean) / std      labels[r, b] = the image's label
//
// On random labels source(c) = c and the label is the task's; on permuted pixels source is the task's
// permutation and the label is the image's own.
//
//   configs      [replica]
//   states       [replica]                task, epoch and minibatch to gather
//   images       [total, words]           one data set for all replicas, four pixels to a word
//   image_labels [total]                  its labels; one zero where labels are random
//   inputs       [replica, batch_rows, columns]
//   labels       [replica, batch_rows]
//
// One workgroup gathers one row: its first invocation finds the image, all copy its pixels. Rows past
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
    scale: f32,      // 1 / (255 std)
    shift: f32,      // -mean / std
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> configs: array<ReplicaConfig>;
@group(0) @binding(2) var<storage, read> states: array<ReplicaState>;
@group(0) @binding(3) var<storage, read> images: array<u32>;
@group(0) @binding(4) var<storage, read> image_labels: array<u32>;
@group(0) @binding(5) var<storage, read_write> inputs: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> labels: array<u32>;

var<workgroup> image: u32;

// The four bytes of the image, which begins at word `source`, that stand in columns 4 word, ...
fn gather_bytes(replica: u32, source: u32, word: u32) -> vec4<u32> {
    if params.permuted == 0u {
        return vec4<u32>(images[source + word]) >> vec4<u32>(0u, 8u, 16u, 24u);
    }
    let seed = configs[replica].seed;
    let task = states[replica].task;
    var bytes: array<u32, 4>;
    for (var lane = 0u; lane < 4u; lane++) {
        let column = min(word * 4u + lane, params.pixels - 1u);
        let pixel = task_pixel(seed, task, params.pixels, column);
        bytes[lane] = images[source + pixel / 4u] >> (8u * (pixel % 4u));
    }
    return vec4<u32>(bytes[0], bytes[1], bytes[2], bytes[3]);
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
            let bytes = gather_bytes(replica, source, word);
            values = vec4<f32>(bytes & vec4<u32>(255u)) * params.scale + params.shift;
            let column = vec4<u32>(word * 4u) + vec4<u32>(0u, 1u, 2u, 3u);
            values = select(vec4<f32>(0.0), values, column < vec4<u32>(params.pixels));
        }
        inputs[target_row + word] = values;
    }
}
