//! Twins of the task stream's kernels.

mod batch_gather;
mod task_finish;
mod teacher_targets;

use super::twins;

twins! {
    batch_gather: BatchGather,
    task_finish: TaskFinish,
    teacher_targets: TeacherTargets,
}
