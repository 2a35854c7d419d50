//! Twins of the task stream's kernels.

mod batch_gather;

use super::twins;

twins! {
    batch_gather: BatchGather,
}
