//! Twins of `shaders/optimisers`.

mod optimiser_step;
mod step_finish;

use super::twins;

twins! {
    optimiser_step: OptimiserStep,
    step_finish: StepFinish,
}
