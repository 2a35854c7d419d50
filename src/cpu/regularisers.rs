//! Twins of the regularisers' kernels.

mod l2_init_gradient;
mod reference_copy;
mod spectral_finish;
mod spectral_gradient;
mod spectral_inputs;
mod spectral_outputs;
mod spectral_start;
mod wasserstein_gradient;

use super::{Array, twins};
use crate::state::{RUNNING, ReplicaConfig, ReplicaState};

twins! {
    reference_copy: ReferenceCopy,
    l2_init_gradient: L2InitGradient,
    wasserstein_gradient: WassersteinGradient,
    spectral_start: SpectralStart,
    spectral_inputs: SpectralInputs,
    spectral_outputs: SpectralOutputs,
    spectral_finish: SpectralFinish,
    spectral_gradient: SpectralGradient,
}

/// Whether the replica is in training and has the spectral regulariser.
fn is_spectral(configs: &Array, states: &Array) -> bool {
    let is_used = configs.read::<ReplicaConfig>()[0].spectral != 0.0;
    is_used && states.read::<ReplicaState>()[0].halted == RUNNING
}
