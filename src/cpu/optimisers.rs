//! Twins of `shaders/optimisers`.

mod gradient_squares;
mod optimiser_step;
mod step_finish;

use super::twins;

twins! {
    gradient_squares: GradientSquares,
    optimiser_step: OptimiserStep,
    step_finish: StepFinish,
}
