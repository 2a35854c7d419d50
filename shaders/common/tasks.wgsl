// The order of images, random labels (arXiv 2509.19698), the order of permuted pixels (arXiv 1312.6211) and the lengths of
// tasks. Needs rng.wgsl. Twins: the functions of the same names in src/tasks.rs and src/tasks/, bit for bit.

// The image, among the `total` images of the data set, that is number `index` of this replica's subset.
fn subset_image(seed: u32, total: u32, index: u32) -> u32 {
    return permute(stream_key(seed, STREAM_SUBSET, 0u, 0u), total, index);
}

// The image of the subset that is visited at `position` of an epoch.
fn epoch_image(seed: u32, task: u32, epoch: u32, images: u32, position: u32) -> u32 {
    return permute(stream_key(seed, STREAM_ORDER, task, epoch), images, position);
}

// The label of image `index` of the subset during `task`: drawn anew at the latest task, up to this
// one, that relabelled it. Task 0 labels every image; each later one exactly `relabelled` of them.
fn task_label(seed: u32, task: u32, images: u32, relabelled: u32, classes: u32, index: u32) -> u32 {
    var drawn_at = task;
    if relabelled < images {
        while drawn_at > 0u {
            let key = stream_key(seed, STREAM_RELABEL, drawn_at, 0u);
            if permute(key, images, index) < relabelled {
                break;
            }
            drawn_at -= 1u;
        }
    }
    return draw(seed, STREAM_LABELS, drawn_at, index) % classes;
}

// The pixel of an image that is in `column` during `task`. Every task, also the first, has a permutation of its own.
// `column` must be below `pixels`.
fn task_pixel(seed: u32, task: u32, pixels: u32, column: u32) -> u32 {
    return permute(stream_key(seed, STREAM_PIXELS, task, 0u), pixels, column);
}

// The number of updates in `task`: uniform on the whole numbers from `mean - spread` to `mean + spread`, which must be
// below 2^32. `spread` must not exceed `mean`.
fn task_length(switch_seed: u32, task: u32, mean: u32, spread: u32) -> u32 {
    return mean - spread + draw(switch_seed, STREAM_SWITCHES, task, 0u) % (2u * spread + 1u);
}
