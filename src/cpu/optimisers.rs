//! What the optimisers share; the twin of `shaders/common/optimiser.wgsl`.

use super::twins;

twins! {
    adam_step: AdamStep,
    sgd_step: SgdStep,
    step_finish: StepFinish,
}

/// Where a moment becomes zero; the shader says why.
pub(crate) const FIRST_MOMENT_FLOOR: f32 = 1e-30;
pub(crate) const SECOND_MOMENT_FLOOR: f32 = 1e-36;

/// Elements that one task of the thread pool updates.
pub(crate) const ELEMENTS_PER_TASK: usize = 1 << 15;

#[inline(always)]
pub(crate) fn flush(x: f32, floor: f32) -> f32 {
    if x.abs() < floor { 0.0 } else { x }
}
