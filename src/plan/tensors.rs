//! Plans over the table of parameter tensors.

use super::buffers::Buffers;
use super::dispatch::{Dispatch, Grid};
use crate::kernels::ParameterInit;
use crate::spec::TrainingSpec;

/// Draws initial parameters and clears the moments.
pub(super) fn initialise(spec: &TrainingSpec, buffers: &Buffers) -> Dispatch {
    let params = ParameterInit {
        stride: spec.network.parameter_stride() as u32,
        second_moments: spec.second_moments(),
    };
    let bound = [
        buffers.configs,
        buffers.tensors,
        buffers.parameters,
        buffers.first_moment,
        buffers.second_moment,
    ];
    Dispatch::new(params, bound, Grid::tensors(&spec.network))
}
