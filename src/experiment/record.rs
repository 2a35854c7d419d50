//! Rows of probes.csv back to observations.

use super::{Arm, Experiment};
use crate::report::ProbeRow;
use crate::scheduler::{Observation, Statistics};

/// What the scheduler of one replica saw, in order, from the rows of its probes: hand them to a
/// [`crate::scheduler::Scheduler`] and it decides as it did, or, under another control, as it would have
/// on the same record.
pub fn recorded_observations(
    experiment: &Experiment,
    arm: &Arm,
    seed: u32,
    rows: &[ProbeRow],
) -> Vec<Observation> {
    let own = rows
        .iter()
        .filter(|row| row.arm == arm.name && row.seed == seed);
    let mut observations: Vec<Observation> = Vec::new();
    let mut layers = Vec::new();
    for row in own {
        if !row.is_network() {
            layers.push(statistics(row));
            continue;
        }
        observations.push(Observation {
            task: row.task - 1,
            update: row.update,
            progress: experiment.progress(row.update),
            batch: experiment.batch,
            epsilon: arm.epsilon(),
            layers: std::mem::take(&mut layers),
            network: statistics(row),
        });
    }
    observations
}

fn statistics(row: &ProbeRow) -> Statistics {
    Statistics {
        step_size: row.step_size,
        effective_step: row.effective_step,
        sharpness: row.sharpness,
        grad_norm_sq: row.grad_norm_sq,
        objective_grad_norm_sq: row.objective_grad_norm_sq,
        grad_variance: row.grad_variance,
        second_moment: row.second_moment,
    }
}
