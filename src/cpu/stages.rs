//! Twins of the kernels that run at a task switch.

use super::twins;

twins! {
    task_reset: TaskReset,
}
