//! Stages: changes of the parameters besides the optimiser's updates.
//!
//! To add a stage, write a file that implements [`Stage`], and add a line to [`STAGES`]. A stage that no replica uses
//! has neither buffers nor dispatches.

mod fire;
mod norm_projection;
mod shrink_perturb;
mod task_reset;
mod unit_renewal;
mod weight_clipping;

use super::buffers::Buffers;
use super::declare::{BufferId, Declare};
use super::dispatch::Dispatch;
use crate::spec::TrainingSpec;

/// The time at which a stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cadence {
    /// After every update.
    Update,
    /// After the update of the stream that ends a task, for those replicas that are still training.
    TaskSwitch,
}

/// One kind of intervention, for all replicas that use it.
pub(super) trait Stage {
    /// The time at which it is due.
    fn cadence(&self) -> Cadence;

    /// Its dispatches. Its kernels leave replicas alone that do not use it.
    fn dispatches(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch>;

    /// Its buffers whose contents persist from one step to the next.
    fn persistent(&self) -> Vec<BufferId> {
        Vec::new()
    }

    /// Stores what it needs of the current parameters, which are the initial ones.
    fn store_reference(&self, _: &TrainingSpec, _: &Buffers) -> Vec<Dispatch> {
        Vec::new()
    }

    /// The buffers that `store_reference` writes.
    fn references(&self) -> Vec<BufferId> {
        Vec::new()
    }
}

/// Declares a stage's buffers; `None` where no replica uses it.
type DeclareStage = fn(&TrainingSpec, &mut Declare) -> Option<Box<dyn Stage>>;

/// All stages, in the order in which they run.
const STAGES: [DeclareStage; 6] = [
    task_reset::declare,
    shrink_perturb::declare,
    fire::declare,
    unit_renewal::declare,
    weight_clipping::declare,
    norm_projection::declare,
];

/// The stages that some replica uses.
pub(super) struct Stages(Vec<Box<dyn Stage>>);

impl Stages {
    pub(super) fn declare(spec: &TrainingSpec, declare: &mut Declare) -> Self {
        let in_use = STAGES.iter().filter_map(|stage| stage(spec, declare));
        Self(in_use.collect())
    }

    /// The buffers of all stages whose contents persist from one step to the next.
    pub(super) fn persistent(&self) -> impl Iterator<Item = BufferId> {
        self.0.iter().flat_map(|stage| stage.persistent())
    }

    /// The dispatches of all stages of this cadence.
    pub(super) fn dispatches(
        &self,
        cadence: Cadence,
        spec: &TrainingSpec,
        buffers: &Buffers,
    ) -> Vec<Dispatch> {
        let due = self.0.iter().filter(|stage| stage.cadence() == cadence);
        due.flat_map(|stage| stage.dispatches(spec, buffers))
            .collect()
    }

    /// Stores what all stages need of the current parameters.
    pub(super) fn store_reference(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let stages = self.0.iter();
        stages
            .flat_map(|stage| stage.store_reference(spec, buffers))
            .collect()
    }

    /// The buffers that `store_reference` writes.
    pub(super) fn references(&self) -> impl Iterator<Item = BufferId> {
        self.0.iter().flat_map(|stage| stage.references())
    }
}
