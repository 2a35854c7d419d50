//! Shrinks all parameters and adds a fresh draw when a task begins: [`Intervention::ShrinkPerturb`].

use super::{Cadence, Stage};
use crate::kernels;
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::{Dispatch, Grid};
use crate::spec::{Intervention, ReplicaSpec, TrainingSpec};

struct ShrinkPerturb {
    /// `[replica]` pairs (shrink, perturb); (1, 0) where a replica does not use the stage
    factors: BufferId,
}

pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Box<dyn Stage>> {
    let factors = |replica: &ReplicaSpec| {
        let own = replica
            .interventions
            .iter()
            .find_map(|intervention| match intervention {
                Intervention::ShrinkPerturb { shrink, perturb } => Some([*shrink, *perturb]),
                _ => None,
            });
        own.unwrap_or([1.0, 0.0])
    };
    let factors: Vec<_> = spec.replicas.iter().map(factors).collect();
    let is_used = factors.iter().any(|own| *own != [1.0, 0.0]);
    is_used.then(|| {
        let factors = declare.settings("shrink and perturb", &factors);
        Box::new(ShrinkPerturb { factors }) as Box<dyn Stage>
    })
}

impl Stage for ShrinkPerturb {
    fn cadence(&self) -> Cadence {
        Cadence::TaskSwitch
    }

    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let params = kernels::ShrinkPerturb {
            stride: spec.network.parameter_stride() as u32,
        };
        let bound = [
            buffers.configs,
            buffers.states,
            self.factors,
            buffers.tensors,
            buffers.parameters,
        ];
        vec![Dispatch::new(params, bound, Grid::tensors(&spec.network))]
    }
}
