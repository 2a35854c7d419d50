//! Kernels of the task stream.

use super::kernels;

kernels! {
    "stream",

    /// The uniform of `batch_gather`.
    batch_gather["rng", "tasks", "streams", "state", "stored_pixel"], workgroup [64, 1, 1],
    BatchGather {
        batch: u32,
        batch_rows: u32,
        columns: u32,
        pixels: u32,
        words: u32,
        total: u32,
        images: u32,
        relabelled: u32,
        classes: u32,
        stream: u32,
        parameter: u32,
        floats: u32,
        plane: u32,
        mean_length: u32,
        length_spread: u32,
        switch_seed: u32,
    }
    [
        configs: Read, states: Read, images: Read, image_labels: Read, standards: Read,
        inputs: ReadWrite, labels: ReadWrite,
    ]

    /// The uniform of `teacher_targets`.
    teacher_targets["rng", "tasks", "streams", "state", "stored_pixel"], workgroup [64, 1, 1],
    TeacherTargets {
        batch: u32,
        batch_rows: u32,
        classes: u32,
        columns: u32,
        pixels: u32,
        words: u32,
        floats: u32,
        replaced: u32,
    }
    [configs: Read, states: Read, images: Read, labels: Read, targets: ReadWrite,]

    /// The uniform of `task_finish`.
    task_finish["state"], workgroup [1, 1, 1],
    TaskFinish {
        batches_per_epoch: u32,
        log_length: u32,
    }
    [states: ReadWrite, task_log: ReadWrite,]
}
