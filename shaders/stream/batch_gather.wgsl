// The next minibatch of the task stream: stored pixels to standardised f32, and their labels.
//
//   inputs[r, b, c] = image[p] * standards[p / plane].x + standards[p / plane].y, where p = source(c)
//   labels[r, b]    = the image's label; for regression the image itself, whose targets teacher_targets.wgsl makes
//
// On permuted pixels source is the task's permutation; on the other streams source(c) = c. The stream says which images a
// minibatch has, and their labels. Factor and addend of a channel subtract its mean and divide by its standard deviation.
//
//   configs      [replica]
//   states       [replica]                task, epoch and minibatch to gather
//   images       [total, words]           one data set for all replicas; u8, four pixels to a word, or f32
//   image_labels [total]                  its labels; one zero where none is read; for class pairs the number C of
//                                         classes, C + 1 bounds of the classes in the list that follows, and the list
//                                         of all images, those of class 0 first
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
    stream: u32,       // TASKS_*
    parameter: u32,    // noisy labels: images with random labels; class pairs: images of a class; growing data: stages;
                       // recurring tasks: period; gradual switches: the stretch in parts of 1 / 65,536
    floats: u32,       // 1 for images of f32, 0 for u8
    plane: u32,        // pixels of one channel
    mean_length: u32,  // updates of a task; its spread and its seed
    length_spread: u32,
    switch_seed: u32,
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

// The standardised pixel in `column`.
fn gather_pixel(replica: u32, source: u32, column: u32) -> f32 {
    if column >= params.pixels {
        return 0.0;
    }
    var pixel = column;
    if params.stream == TASKS_PERMUTED_PIXELS {
        pixel = task_pixel(configs[replica].seed, states[replica].task, params.pixels, column);
    }
    let standard = standards[pixel / params.plane];
    return stored_pixel(source, pixel) * standard.x + standard.y;
}

struct Sample {
    image: u32,  // its number in the data set
    label: u32,
}

// Class pairs: the sample at `position` of a task, whose pair has params.parameter images of each class. The label is the
// place of the class in the pair.
fn pair_sample(seed: u32, task: u32, position: u32) -> Sample {
    let each = params.parameter;
    let index = pass_image(seed, task, 2u * each, position);
    let label = index / each;
    let classes = image_labels[0];
    let class_number = class_pair(seed, task, classes)[label];
    let begin = image_labels[1u + class_number];
    let count = image_labels[2u + class_number] - begin;
    let place = permute(stream_key(seed, STREAM_SUBSET, 1u + class_number, 0u), count, index % each);
    return Sample(image_labels[2u + classes + begin + place], label);
}

// The random label that image `index` of the subset has in the task `drawn_in`.
fn random_label(seed: u32, drawn_in: u32, index: u32) -> u32 {
    return task_label(seed, drawn_in, params.images, params.relabelled, params.classes, index);
}

// The label of image `index` of the subset, which is `image` of the data set, at update `step` of a task.
fn stream_label(seed: u32, task: u32, step: u32, index: u32, image: u32) -> u32 {
    switch params.stream {
        case TASKS_RANDOM_LABELS: {
            return random_label(seed, task, index);
        }
        case TASKS_LABEL_PERMUTATION: {
            return permuted_label(seed, task, params.classes, image_labels[image]);
        }
        case TASKS_NOISY_LABELS: {
            let label = image_labels[image];
            return noisy_label(seed, task, params.images, params.parameter, params.classes, index, label);
        }
        case TASKS_HARD_EASY: {
            if is_easy(task) {
                return easy_label(seed, task, params.classes);
            }
            return random_label(seed, hard_task(task), index);
        }
        case TASKS_RECURRING_TASKS: {
            return random_label(seed, recurring_task(task, params.parameter), index);
        }
        case TASKS_GRADUAL_SWITCHES: {
            let length = task_length(params.switch_seed, task, params.mean_length, params.length_spread);
            let stretch = stretch_length(length, params.parameter);
            return random_label(seed, gradual_task(seed, task, index, step, stretch), index);
        }
        case TASKS_REGRESSION: {
            return image;
        }
        default: {
            return image_labels[image];
        }
    }
}

// The sample in `row` of a replica's minibatch.
fn gather_sample(replica: u32, row: u32) -> Sample {
    let seed = configs[replica].seed;
    let task = states[replica].task;
    let epoch = states[replica].epoch;
    let batch = states[replica].batch;
    let step = epoch * (params.images / params.batch) + batch;
    let position = step * params.batch + row;
    if params.stream == TASKS_CLASS_PAIRS {
        return pair_sample(seed, task, position);
    }
    var index = 0u;
    if params.stream == TASKS_GROWING_DATA {
        let available = available_images(task, params.parameter, params.images);
        index = pass_image(seed, task, available, position);
    } else {
        index = epoch_image(seed, task, epoch, params.images, batch * params.batch + row);
    }
    let number = subset_image(seed, params.total, index);
    return Sample(number, stream_label(seed, task, step, index, number));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let row = group.x;
    let replica = group.z;
    let is_padding = row >= params.batch;
    if local.x == 0u {
        var label = 0u;
        if !is_padding {
            let gathered = gather_sample(replica, row);
            image = gathered.image;
            label = gathered.label;
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
