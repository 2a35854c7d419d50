//! Twins of `shaders/optimisers`.

use super::twins;

twins! {
    optimiser_step: OptimiserStep,
    step_finish: StepFinish,
}
