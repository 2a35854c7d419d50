//! Twins of `shaders/optimisers`.

mod gradient_squares;
mod isometry_step;
mod optimiser_step;
mod step_finish;

use super::twins;

twins! {
    gradient_squares: GradientSquares,
    optimiser_step: OptimiserStep,
    isometry_step: IsometryStep,
    step_finish: StepFinish,
}
