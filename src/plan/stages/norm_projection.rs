//! Projects every weight matrix to its initial norm after every update: [`Intervention::NormProjection`].

use super::{Cadence, Stage};
use crate::kernels;
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::Dispatch;
use crate::plan::matrices;
use crate::spec::{Intervention, ReplicaSpec, TrainingSpec};

struct NormProjection {
    /// `[replica]` 1; 0 where a replica does not use the stage
    uses: BufferId,
    /// `[replica, matrices]` f32: the norms of the initial matrices
    initial_norms: BufferId,
    /// `[replica, matrices]` f32: the norms of the current matrices
    norms: BufferId,
}

pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Box<dyn Stage>> {
    let uses = |replica: &ReplicaSpec| {
        replica
            .interventions
            .contains(&Intervention::NormProjection)
    };
    spec.replicas.iter().any(uses).then(|| {
        let uses: Vec<_> = spec
            .replicas
            .iter()
            .map(|own| [f32::from(u8::from(uses(own)))])
            .collect();
        let matrices = matrices::count(&spec.network) as usize;
        Box::new(NormProjection {
            uses: declare.settings("norm projection", &uses),
            initial_norms: declare.floats("initial norms", matrices),
            norms: declare.floats("norms", matrices),
        }) as Box<dyn Stage>
    })
}

impl Stage for NormProjection {
    fn cadence(&self) -> Cadence {
        Cadence::Update
    }

    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let params = kernels::NormProjection {
            stride: spec.network.parameter_stride() as u32 / 4,
            matrices: matrices::count(&spec.network),
        };
        let bound = [
            buffers.states,
            self.uses,
            buffers.matrix_layouts(),
            self.initial_norms,
            self.norms,
            buffers.parameters,
        ];
        vec![
            matrices::norms(spec, buffers, buffers.parameters, self.norms),
            Dispatch::new(params, bound, matrices::tiles(&spec.network)),
        ]
    }

    fn store_reference(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        vec![matrices::norms(
            spec,
            buffers,
            buffers.parameters,
            self.initial_norms,
        )]
    }

    fn references(&self) -> Vec<BufferId> {
        vec![self.initial_norms]
    }
}
