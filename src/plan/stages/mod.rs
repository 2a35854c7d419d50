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
    /// After those updates of the stream whose number is a multiple of one of its periods, and after every update on a loaded
    /// minibatch. Its kernels end at once where it is not due.
    Periodic,
    /// After the update of the stream that ends a task, for those replicas that are still training.
    TaskSwitch,
}

/// One kind of intervention, for all replicas that use it.
pub(super) trait Stage {
    /// The time at which it is due.
    fn cadence(&self) -> Cadence;

    /// The periods of [`Cadence::Periodic`], in updates.
    fn periods(&self) -> Vec<u32> {
        Vec::new()
    }

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

    /// The time at which the stage at this place is due. A stage that changes what a later one sees after every update is
    /// due then, too.
    fn cadence(&self, place: usize) -> Cadence {
        let is_update = |stage: &dyn Stage| stage.cadence() == Cadence::Update;
        match self.0[place].cadence() {
            Cadence::Periodic if self.0[place..].iter().any(|stage| is_update(&**stage)) => {
                Cadence::Update
            }
            cadence => cadence,
        }
    }

    /// The periods of all stages that are periodic, each once.
    pub(super) fn periods(&self) -> Vec<u32> {
        let mut periods: Vec<_> = self.0.iter().flat_map(|stage| stage.periods()).collect();
        periods.sort_unstable();
        periods.dedup();
        periods
    }

    /// The dispatches of all stages that can be due after an update.
    pub(super) fn after_update(&self, spec: &TrainingSpec, buffers: &Buffers) -> Vec<Dispatch> {
        let due = self.0.iter();
        let due = due.filter(|stage| stage.cadence() != Cadence::TaskSwitch);
        due.flat_map(|stage| stage.dispatches(spec, buffers))
            .collect()
    }

    /// The dispatches of all stages of this cadence.
    pub(super) fn dispatches(
        &self,
        cadence: Cadence,
        spec: &TrainingSpec,
        buffers: &Buffers,
    ) -> Vec<Dispatch> {
        let stages = self.0.iter().enumerate();
        let due = stages.filter(|(place, _)| self.cadence(*place) == cadence);
        due.flat_map(|(_, stage)| stage.dispatches(spec, buffers))
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
