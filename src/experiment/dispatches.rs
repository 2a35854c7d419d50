//! The number of dispatches of a training step.

use super::{Arm, Experiment};
use crate::error::Error;
use crate::plan::Program;
use crate::spec::ImageSet;

impl Experiment {
    /// The mean number of dispatches of a training step of each arm, trained by itself on this experiment's stream. What
    /// is due when tasks begin is spread over the steps of a task of mean length. Probes are not counted.
    ///
    /// It is a count, the same on every device, and no time: a dispatch of a large product and one of a short sum count the
    /// same.
    ///
    /// # Errors
    /// The errors of [`Experiment::check`] that concern the arms.
    pub fn step_dispatches(&self, images: &ImageSet) -> Result<Vec<f64>, Error> {
        let of_arm = |arm: &Arm| {
            let network = self.network(arm)?;
            let program = Program::new(&self.training_spec(&network, images, &[(arm, 0)]))?;
            let steps = program.steps.ok_or(Error::NoTaskStream)?;
            Ok(steps.mean_dispatches())
        };
        self.arms.iter().map(of_arm).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_task_switches_is_spread_over_a_task() {
        let text = "
            name = 'x'
            images = 64
            batch = 16
            epochs = 2
            arms = [
                { name = 'plain', hidden = [8] },
                { name = 'deep', hidden = [8, 8] },
                { name = 'clip', hidden = [8], interventions = [{ weight-clipping = { kappa = 2.0 } }] },
                { name = 'shrink', hidden = [8], interventions = [{ shrink-perturb = { shrink = 0.5, perturb = 0.1 } }] },
            ]";
        let experiment: Experiment = text.parse().unwrap();
        let images = ImageSet::new(&vec![0; 64 * 784], 784, 0.5, 0.25).unwrap();
        // A task of 8 steps ends with one dispatch. Two layers have 7 dispatches: the minibatch, two forward, the loss, two
        // backward, the optimiser.
        let wanted = [7.125, 9.125, 8.125, 7.25];
        assert_eq!(experiment.step_dispatches(&images).unwrap(), wanted);
        let other = ImageSet::new(&vec![0; 32 * 784], 784, 0.5, 0.25).unwrap();
        let error = experiment.step_dispatches(&other).unwrap_err();
        assert!(error.to_string().contains("32"), "{error}");
    }
}
