//! Twins of the stages' kernels.

mod fire;
mod norm_projection;
mod shrink_perturb;
mod task_reset;
mod weight_clipping;

use super::twins;

twins! {
    task_reset: TaskReset,
    shrink_perturb: ShrinkPerturb,
    weight_clipping: WeightClipping,
    norm_projection: NormProjection,
    fire: Fire,
}
