//! Twins of the stages' kernels.

mod fire;
mod norm_projection;
mod shrink_perturb;
mod task_reset;
mod unit_renewal;
mod unit_selection;
mod unit_statistics;
mod weight_clipping;

use super::twins;

twins! {
    task_reset: TaskReset,
    shrink_perturb: ShrinkPerturb,
    weight_clipping: WeightClipping,
    unit_statistics: UnitStatistics,
    unit_selection: UnitSelection,
    unit_renewal: UnitRenewal,
    norm_projection: NormProjection,
    fire: Fire,
}
