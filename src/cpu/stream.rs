//! Twins of the task stream's kernels.

use super::twins;

twins! {
    batch_gather: BatchGather,
}
