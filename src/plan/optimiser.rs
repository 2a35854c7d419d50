//! The end of a step: gradients are clipped and change the parameters, and the counters advance.

mod muon;
mod upgd;

pub use muon::MuonBuffers;

use super::buffers::Buffers;
use super::declare::{BufferId, Declare};
use super::dispatch::{Dispatch, workgroups};
use super::matrices::{self, Cubic};
use crate::kernels::{GradientSquares, IsometryStep, OptimiserStep, StepFinish};
use crate::spec::{ReplicaSpec, TrainingSpec};
use crate::state::SQUARE_PARTS;

/// Updates every replica by its own optimiser, and ends the step. Where a replica clips, the norms of the gradients are one
/// dispatch more. Where a replica has AdamO, its step towards isometry is three more, and the end of the step is one. Where
/// one has Muon, its directions and its step are 19 more; where one has UPGD, two.
pub(super) fn apply(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let is_clipped = spec.replicas.iter().any(ReplicaSpec::is_clipped);
    let mut dispatches = Vec::new();
    dispatches.extend(is_clipped.then(|| gradient_squares(spec, buffers)));
    if let Some(muon) = buffers.muon {
        // Its step follows at once, because the gradients of AdamO take the same scratch.
        let (own, directions) = muon.directions(spec, buffers);
        dispatches.extend(own);
        dispatches.push(MuonBuffers::step(spec, buffers, directions));
    }
    dispatches.extend(upgd::update(spec, buffers));
    let isometry = buffers.isometry.map(|uses| isometry(spec, buffers, uses));
    let (gradient, step) = isometry.unzip();
    dispatches.extend(gradient.into_iter().flatten());
    dispatches.push(optimiser_step(spec, buffers, step.is_none()));
    if let Some(step) = step {
        dispatches.extend([step, step_finish(spec, buffers)]);
    }
    dispatches
}

/// Declares the flags of AdamO, `[replica]`: 1 where its step towards isometry has a strength, else 0; `None` where no replica has it.
pub(super) fn declare_isometry(spec: &TrainingSpec, declare: &mut Declare) -> Option<BufferId> {
    let uses = |replica: &ReplicaSpec| f32::from(u8::from(replica.config().isometry != 0.0));
    let uses: Vec<_> = spec.replicas.iter().map(|own| [uses(own)]).collect();
    let is_used = uses.contains(&[1.0]);
    is_used.then(|| declare.settings("isometry", &uses))
}

/// The gradient of |W^T W - I|^2: a singular value s becomes 4 s^3 - 4 s.
const ISOMETRY_GRADIENT: Cubic = Cubic {
    linear: -4.0,
    cubic: 4.0,
};

/// Computes the gradients of AdamO's regulariser, and steps along them.
fn isometry(spec: &TrainingSpec, buffers: &Buffers, uses: BufferId) -> ([Dispatch; 2], Dispatch) {
    let [gradients, _] = buffers.matrix_products().results;
    let params = IsometryStep {
        stride: spec.network.parameter_stride() as u32 / 4,
        layers: spec.network.blocks().len() as u32,
    };
    let bound = [
        buffers.configs,
        buffers.states,
        buffers.layer_controls,
        buffers.matrix_layouts(),
        gradients,
        buffers.parameters,
        buffers.step_sums,
    ];
    let ends = [buffers.parameters, gradients];
    (
        ISOMETRY_GRADIENT.apply(spec, buffers, (uses, 0), ends),
        Dispatch::new(params, bound, matrices::tiles(&spec.network)),
    )
}

fn gradient_squares(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let layers = spec.network.blocks().len() as u32;
    let params = GradientSquares {
        parameters_stride: spec.network.parameter_stride() as u32 / 4,
        layers,
    };
    let bound = [
        buffers.configs,
        buffers.layer_controls,
        buffers.gradients,
        buffers.parameters,
        buffers.step_sums,
    ];
    Dispatch::new(params, bound, [SQUARE_PARTS, layers])
}

/// Updates the parameters, and ends the step where `ends_step` is true.
fn optimiser_step(spec: &TrainingSpec, buffers: &Buffers, ends_step: bool) -> Dispatch {
    let parameters_stride = spec.network.parameter_stride() as u32 / 4;
    let workgroups = workgroups::<OptimiserStep>(parameters_stride);
    let params = OptimiserStep {
        parameters_stride,
        layers: spec.network.blocks().len() as u32,
        second_moments: spec.second_moments(),
        workgroups: if ends_step { workgroups } else { 0 },
        batches_per_epoch: spec.batches_per_epoch(),
    };
    let bound = [
        buffers.configs,
        buffers.states,
        buffers.layer_controls,
        buffers.gradients,
        buffers.parameters,
        buffers.first_moment,
        buffers.second_moment,
        buffers.step_sums,
    ];
    Dispatch::new(params, bound, [workgroups, 1])
}

fn step_finish(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let params = StepFinish {
        layers: spec.network.blocks().len() as u32,
        batches_per_epoch: spec.batches_per_epoch(),
    };
    let bound = [
        buffers.configs,
        buffers.states,
        buffers.layer_controls,
        buffers.step_sums,
    ];
    Dispatch::new(params, bound, [1, 1])
}
