//! Resets the optimiser, or draws a fresh network, when a task begins: [`TaskSwitch`].

use super::{Cadence, Stage};
use crate::kernels;
use crate::plan::buffers::Buffers;
use crate::plan::declare::Declare;
use crate::plan::dispatch::{Dispatch, Grid};
use crate::spec::{ReplicaSpec, TaskSwitch, TrainingSpec};

struct TaskReset;

pub(super) fn declare(spec: &TrainingSpec, _: &mut Declare) -> Option<Box<dyn Stage>> {
    let resets = |replica: &ReplicaSpec| replica.at_task_switch != TaskSwitch::Carry;
    let is_used = spec.replicas.iter().any(resets);
    is_used.then(|| Box::new(TaskReset) as Box<dyn Stage>)
}

impl Stage for TaskReset {
    fn cadence(&self) -> Cadence {
        Cadence::TaskSwitch
    }

    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let params = kernels::TaskReset {
            stride: spec.network.parameter_stride() as u32,
            layers: spec.network.blocks().len() as u32,
            second_moments: spec.second_moments(),
        };
        let bound = [
            buffers.configs,
            buffers.states,
            buffers.tensors,
            buffers.parameters,
            buffers.first_moment,
            buffers.second_moment,
            buffers.layer_controls,
        ];
        vec![Dispatch::new(params, bound, Grid::tensors(&spec.network))]
    }
}
