//! Clips all parameters after every update: [`Intervention::WeightClipping`].

use super::{Cadence, Stage};
use crate::kernels;
use crate::plan::buffers::Buffers;
use crate::plan::declare::{BufferId, Declare};
use crate::plan::dispatch::{Dispatch, Grid};
use crate::spec::{Intervention, ReplicaSpec, TrainingSpec};

struct WeightClipping {
    /// `[replica]` kappa; 0 where a replica does not use the stage
    kappas: BufferId,
}

pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Option<Box<dyn Stage>> {
    let kappa = |replica: &ReplicaSpec| {
        let own = replica
            .interventions
            .iter()
            .find_map(|intervention| match intervention {
                Intervention::WeightClipping { kappa } => Some(*kappa),
                _ => None,
            });
        [own.unwrap_or(0.0)]
    };
    let kappas: Vec<_> = spec.replicas.iter().map(kappa).collect();
    let is_used = kappas.iter().any(|own| *own != [0.0]);
    is_used.then(|| {
        let kappas = declare.settings("weight clipping", &kappas);
        Box::new(WeightClipping { kappas }) as Box<dyn Stage>
    })
}

impl Stage for WeightClipping {
    fn cadence(&self) -> Cadence {
        Cadence::Update
    }

    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let params = kernels::WeightClipping {
            stride: spec.network.parameter_stride() as u32,
        };
        let bound = [
            buffers.states,
            self.kappas,
            buffers.tensors,
            buffers.parameters,
        ];
        vec![Dispatch::new(params, bound, Grid::tensors(&spec.network))]
    }
}
