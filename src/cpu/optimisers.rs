//! Twins of `shaders/optimisers`.

mod gradient_squares;
mod isometry_step;
mod muon_momentum;
mod muon_step;
mod optimiser_step;
mod step_finish;
mod upgd_step;
mod upgd_utility;

use super::twins;

twins! {
    gradient_squares: GradientSquares,
    optimiser_step: OptimiserStep,
    isometry_step: IsometryStep,
    muon_momentum: MuonMomentum,
    muon_step: MuonStep,
    upgd_utility: UpgdUtility,
    upgd_step: UpgdStep,
    step_finish: StepFinish,
}
