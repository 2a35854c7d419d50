// Labels, and images of a task, that are particular to one stream of tasks. Random labels and permuted pixels are in
// tasks.wgsl. Needs rng.wgsl and tasks.wgsl. Twins: the functions of the same names in src/tasks/, bit for bit.

const TASKS_RANDOM_LABELS: u32 = 0u;
const TASKS_PERMUTED_PIXELS: u32 = 1u;
const TASKS_LABEL_PERMUTATION: u32 = 2u;
const TASKS_NOISY_LABELS: u32 = 3u;
const TASKS_CLASS_PAIRS: u32 = 4u;
const TASKS_HARD_EASY: u32 = 5u;
const TASKS_GROWING_DATA: u32 = 6u;
const TASKS_RECURRING_TASKS: u32 = 7u;
const TASKS_GRADUAL_SWITCHES: u32 = 8u;
const TASKS_REGRESSION: u32 = 9u;

const TEACHER_UNITS: u32 = 64u;

// Label permutation: the label of an image whose true label is `label`, below `classes`. Every class draws a word, and the
// permutation takes a class to the rank of its word; equal words are in the order of their classes.
fn permuted_label(seed: u32, task: u32, classes: u32, label: u32) -> u32 {
    let own = draw(seed, STREAM_CLASSES, task, label);
    var rank = 0u;
    for (var other = 0u; other < classes; other++) {
        let word = draw(seed, STREAM_CLASSES, task, other);
        rank += u32(word < own || (word == own && other < label));
    }
    return rank;
}

// Noisy labels: exactly `noisy` of the `images` have random labels, and the others their true `label`.
fn noisy_label(seed: u32, task: u32, images: u32, noisy: u32, classes: u32, index: u32, label: u32) -> u32 {
    if permute(stream_key(seed, STREAM_NOISE, task, 0u), images, index) < noisy {
        return task_label(seed, task, images, images, classes, index);
    }
    return label;
}

// Class pairs: the two classes of a task, among `classes`, 2 to 65,536 of them; all ordered pairs are equally likely.
fn class_pair(seed: u32, task: u32, classes: u32) -> vec2<u32> {
    let pair = draw(seed, STREAM_CLASSES, task, 0u) % (classes * (classes - 1u));
    let first = pair / (classes - 1u);
    let other = pair % (classes - 1u);
    return vec2<u32>(first, other + u32(other >= first));
}

// Hard and easy tasks: whether the task is easy, and the one label that all images then have.
fn is_easy(task: u32) -> bool {
    return task % 2u == 1u;
}

fn easy_label(seed: u32, task: u32, classes: u32) -> u32 {
    return draw(seed, STREAM_CLASSES, task, 0u) % classes;
}

// The task of random labels whose labels a hard task has.
fn hard_task(task: u32) -> u32 {
    return task / 2u;
}

// Growing data: the number of images that a task has, floor(images min(task + 1, stages) / stages). In parts, because
// images * stage can exceed 32 bits; stages do not exceed 65,535 and images.
fn available_images(task: u32, stages: u32, images: u32) -> u32 {
    let stage = min(task, stages - 1u) + 1u;
    return images / stages * stage + images % stages * stage / stages;
}

// The number of the image, of `images`, that is at `position` among all samples of a task. The passes over the images
// follow one another without a gap.
fn pass_image(seed: u32, task: u32, images: u32, position: u32) -> u32 {
    let key = stream_key(seed, STREAM_ORDER, task, position / images);
    return permute(key, images, position % images);
}

// Recurring tasks: the task of random labels whose labels a task has.
fn recurring_task(task: u32, period: u32) -> u32 {
    return task % period;
}

// Gradual switches: the length of the stretch in updates, round(length * stretch / 65536), and 1 at least. In halves,
// because length * stretch can exceed 32 bits; stretch does not exceed 65,536.
fn stretch_length(length: u32, stretch: u32) -> u32 {
    let rounded = ((length & 0xffffu) * stretch + 0x8000u) >> 16u;
    return max((length >> 16u) * stretch + rounded, 1u);
}

// The task of random labels whose label an image has at update `step` of a task: the task itself, or the one before it
// with the probability max(0, 1 - step / stretch).
fn gradual_task(seed: u32, task: u32, index: u32, step: u32, stretch: u32) -> u32 {
    let last = draw(seed, STREAM_GRADUAL, task, index) % stretch;
    return task - u32(task > 0u && step <= last);
}

// Regression: the number by which a unit of the teacher draws its signs during a task. Every task but the first replaces the
// next `replaced` units, those after the last one from the first again; the number counts the replacements of a unit.
fn teacher_draw(task: u32, replaced: u32, unit: u32) -> u32 {
    let replacements = (task * replaced + TEACHER_UNITS - 1u - unit) / TEACHER_UNITS;
    return replacements * TEACHER_UNITS + unit;
}
