//! Twins of the task stream's kernels.

mod batch_gather;
mod task_finish;

use super::twins;

twins! {
    batch_gather: BatchGather,
    task_finish: TaskFinish,
}
