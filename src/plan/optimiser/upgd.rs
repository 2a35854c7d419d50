//! The dispatches of UPGD beside `optimiser_step`.

use crate::kernels::{UpgdStep, UpgdUtility};
use crate::plan::buffers::Buffers;
use crate::plan::dispatch::{Dispatch, Grid};
use crate::spec::{Optimiser, ReplicaSpec, TrainingSpec};

/// Advances the utilities, and updates the parameters of every replica with UPGD; no dispatches where none has it.
pub(super) fn update(spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
    let is_upgd = |replica: &ReplicaSpec| matches!(replica.optimiser, Optimiser::Upgd { .. });
    if !spec.replicas.iter().any(is_upgd) {
        return Vec::new();
    }
    let stride = spec.network.parameter_stride() as u32;
    let layers = spec.network.blocks().len() as u32;
    let grid = Grid::tensors(&spec.network);
    let utility = UpgdUtility {
        stride,
        layers,
        second_moments: spec.second_moments(),
    };
    let utility_bound = [
        buffers.configs,
        buffers.states,
        buffers.tensors,
        buffers.gradients,
        buffers.parameters,
        buffers.first_moment,
        buffers.second_moment,
        buffers.step_sums,
    ];
    let step = UpgdStep {
        stride: stride / 4,
        layers,
        second_moments: spec.second_moments(),
    };
    let step_bound = [
        buffers.configs,
        buffers.states,
        buffers.layer_controls,
        buffers.tensors,
        buffers.parameters,
        buffers.first_moment,
        buffers.second_moment,
        buffers.step_sums,
    ];
    vec![
        Dispatch::new(utility, utility_bound, grid),
        Dispatch::new(step, step_bound, grid),
    ]
}
