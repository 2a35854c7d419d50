//! The dispatches of Muon beside `optimiser_step`.

use crate::kernels::{MuonMomentum, MuonStep};
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::Dispatch;
use crate::plan::matrices::{self, Quintic};
use crate::spec::{Optimiser, ReplicaSpec, TrainingSpec};

/// The number of Newton-Schulz iterations, and their polynomial (Jordan et al., 2024).
const ITERATIONS: usize = 5;
const NEWTON_SCHULZ: Quintic = Quintic {
    linear: 3.4445,
    cubic: -4.7750,
    quintic: 2.0315,
};

/// The buffers of Muon.
#[derive(Clone, Copy, Debug)]
pub struct MuonBuffers {
    /// `[replica]` 1; 0 where a replica has another optimiser
    pub uses: BufferId,
    /// `[replica, grams]` f32: polynomials of the Gram matrices.
    pub polynomials: BufferId,
}

impl MuonBuffers {
    /// Declares the buffers; `None` where no replica has Muon.
    pub(in crate::plan) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Self> {
        let is_muon = |replica: &ReplicaSpec| matches!(replica.optimiser, Optimiser::Muon { .. });
        let uses = |replica| [f32::from(u8::from(is_muon(replica)))];
        spec.replicas.iter().any(is_muon).then(|| {
            let uses: Vec<_> = spec.replicas.iter().map(uses).collect();
            let grams = matrices::grams(&spec.network) as usize;
            Self {
                uses: declare.settings("muon", &uses),
                polynomials: declare.floats("matrix polynomials", grams),
            }
        })
    }

    /// Advances the momentum of every matrix and makes its direction orthogonal; returns the buffer that holds the result.
    pub(super) fn directions(
        &self,
        spec: &TrainingSpec,
        buffers: &Buffers,
    ) -> (Vec<Dispatch>, BufferId) {
        let params = MuonMomentum {
            stride: spec.network.parameter_stride() as u32 / 4,
            layers: spec.network.blocks().len() as u32,
        };
        let [mut x, mut next] = buffers.matrix_products().results;
        let bound = [
            buffers.configs,
            buffers.states,
            buffers.matrix_layouts(),
            buffers.gradients,
            buffers.parameters,
            buffers.first_moment,
            buffers.step_sums,
            next,
        ];
        let momentum = Dispatch::new(params, bound, matrices::tiles(&spec.network));
        let mut dispatches = vec![momentum];
        dispatches.extend(matrices::normalise(spec, buffers, self.uses, next));
        for _ in 0..ITERATIONS {
            let scratch = [self.uses, self.polynomials];
            dispatches.extend(NEWTON_SCHULZ.apply(spec, buffers, scratch, [x, next]));
            (x, next) = (next, x);
        }
        (dispatches, x)
    }

    /// Updates every matrix along its direction.
    pub(super) fn step(spec: &TrainingSpec, buffers: &Buffers, directions: BufferId) -> Dispatch {
        let params = MuonStep {
            stride: spec.network.parameter_stride() as u32 / 4,
            layers: spec.network.blocks().len() as u32,
            second_moments: spec.second_moments(),
        };
        let bound = [
            buffers.configs,
            buffers.states,
            buffers.layer_controls,
            buffers.matrix_layouts(),
            directions,
            buffers.parameters,
            buffers.second_moment,
            buffers.step_sums,
        ];
        Dispatch::new(params, bound, matrices::tiles(&spec.network))
    }
}
