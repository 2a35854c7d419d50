//! The check, before anything is allocated or written, that an experiment fits on a device.

use super::{Arm, Experiment, ExperimentError};
use crate::compute::Compute;
use crate::error::Error;
use crate::network::Network;
use crate::spec::{ImageSet, TrainingSpec};
use crate::trainer::Trainer;

/// A device, as far as a run needs it.
pub(super) trait Device {
    /// See [`Compute::replicas_that_fit`].
    fn replicas_that_fit(&self, spec: &TrainingSpec) -> Result<usize, Error>;

    /// See [`Trainer::new`].
    fn trainer(&self, spec: TrainingSpec) -> Result<Trainer, Error>;
}

impl Device for Compute {
    fn replicas_that_fit(&self, spec: &TrainingSpec) -> Result<usize, Error> {
        self.replicas_that_fit(spec)
    }

    fn trainer(&self, spec: TrainingSpec) -> Result<Trainer, Error> {
        Trainer::new(self, spec)
    }
}

impl Experiment {
    /// Checks that a replica of each arm fits on `compute`, so that a run that cannot begin writes nothing.
    ///
    /// # Errors
    /// Returns [`crate::gpu::Error::Limit`] or [`crate::Error::Memory`]. It also returns the errors of an invalid network,
    /// which [`Experiment::check`] refuses earlier.
    pub fn check_room(&self, compute: &Compute, images: &ImageSet) -> Result<(), ExperimentError> {
        self.check_room_on(compute, images)
    }

    pub(super) fn check_room_on(
        &self,
        device: &dyn Device,
        images: &ImageSet,
    ) -> Result<(), ExperimentError> {
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
            device.replicas_that_fit(&self.one_of_each(&network, images, arms))?;
        }
        Ok(())
    }

    /// Returns the specification of one replica of each of `arms`.
    pub(super) fn one_of_each<'a>(
        &self,
        network: &Network,
        images: &ImageSet,
        arms: impl IntoIterator<Item = &'a Arm>,
    ) -> TrainingSpec {
        let members: Vec<_> = arms.into_iter().map(|arm| (arm, 0)).collect();
        self.training_spec(network, images, &members)
    }
}
