//! Twins of the stages' kernels.

use super::twins;

twins! {
    task_reset: TaskReset,
    shrink_perturb: ShrinkPerturb,
    weight_clipping: WeightClipping,
}
