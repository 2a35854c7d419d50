//! The check, before anything is allocated or written, that an experiment fits on a device.

use super::{Arm, Experiment, ExperimentError};
use crate::compute::Compute;
use crate::network::Network;
use crate::spec::{ImageSet, Intervention, TaskSwitch, TrainingSpec};

impl Experiment {
    /// Checks that a replica of each arm fits on `compute`, so that a run that cannot begin writes nothing.
    ///
    /// # Errors
    /// Returns [`crate::gpu::Error::Limit`] or [`crate::Error::Memory`]. It also returns the errors of an invalid network,
    /// which [`Experiment::check`] refuses earlier.
    pub fn check_room(&self, compute: &Compute, images: &ImageSet) -> Result<(), ExperimentError> {
        // Arms of the same shape train together.
        let mut shapes: Vec<(Network, Vec<&Arm>)> = Vec::new();
        for arm in &self.arms {
            let network = self.network(arm)?;
            match shapes.iter_mut().find(|(known, _)| *known == network) {
                Some((_, arms)) => arms.push(arm),
                None => shapes.push((network, vec![arm])),
            }
        }
        for (network, arms) in shapes {
            compute.replicas_that_fit(&self.typical_spec(&network, images, arms))?;
        }
        Ok(())
    }

    /// Returns the specification of one replica with the regularisers and interventions of all `arms`, because each replica
    /// has the buffers of all.
    pub(super) fn typical_spec<'a>(
        &self,
        network: &Network,
        images: &ImageSet,
        arms: impl IntoIterator<Item = &'a Arm>,
    ) -> TrainingSpec {
        let arms = arms.into_iter();
        let typical = arms.cloned().reduce(|typical, arm| Arm {
            l2_init: typical.l2_init.max(arm.l2_init),
            wasserstein: typical.wasserstein.max(arm.wasserstein),
            spectral: typical.spectral.max(arm.spectral),
            interventions: union(&typical.interventions, &arm.interventions),
            optimiser: [typical.optimiser, arm.optimiser]
                .into_iter()
                .max_by_key(|optimiser| {
                    let moments = optimiser.second_moment_names().len();
                    (optimiser.multiplies_matrices(), moments)
                })
                .unwrap_or(typical.optimiser),
            // FIRE is refused beside fresh networks, which have no buffers.
            at_task_switch: TaskSwitch::Carry,
            ..typical
        });
        let typical = typical.map(|arm| (arm, 0));
        let members: Vec<_> = typical.iter().map(|(arm, seed)| (arm, *seed)).collect();
        self.training_spec(network, images, &members)
    }
}

/// The interventions of both lists, each kind once.
fn union(a: &[Intervention], b: &[Intervention]) -> Vec<Intervention> {
    let kind = std::mem::discriminant::<Intervention>;
    let is_new = |own: &&Intervention| a.iter().all(|known| kind(known) != kind(own));
    a.iter().chain(b.iter().filter(is_new)).copied().collect()
}
