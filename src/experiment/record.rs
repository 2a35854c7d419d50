//! Rows of probes.csv back to observations.

use super::{Arm, Experiment};
use crate::error::Error;
use crate::network::Layer;
use crate::report::ProbeRow;
use crate::scheduler::{Observation, Statistics};

/// What the scheduler of one replica saw, in order, from the rows of its probes: hand them to a
/// [`crate::scheduler::Scheduler`] and it decides as it did, or, under another control, as it would have
/// on the same record.
///
/// # Errors
/// Those of [`crate::network::Network::new`], for an arm that is not of a checked experiment.
pub fn recorded_observations(
    experiment: &Experiment,
    arm: &Arm,
    seed: u32,
    rows: &[ProbeRow],
) -> Result<Vec<Observation>, Error> {
    let network = arm.network()?;
    let parameters: Vec<_> = network.layers().iter().map(Layer::parameters).collect();
    let own = rows
        .iter()
        .filter(|row| row.arm == arm.name && row.seed == seed);
    let mut observations: Vec<Observation> = Vec::new();
    let mut layers = Vec::new();
    for row in own {
        if !row.is_network() {
            layers.push(statistics(row, parameters[layers.len()]));
            continue;
        }
        observations.push(Observation {
            task: row.task - 1,
            update: row.update,
            progress: experiment.progress(row.update),
            batch: experiment.batch,
            epsilon: arm.epsilon(),
            layers: std::mem::take(&mut layers),
            network: statistics(row, network.parameter_count()),
        });
    }
    Ok(observations)
}

fn statistics(row: &ProbeRow, parameters: usize) -> Statistics {
    Statistics {
        parameters,
        step_size: row.step_size,
        effective_step: row.effective_step,
        sharpness: row.sharpness,
        grad_norm_sq: row.grad_norm_sq,
        objective_grad_norm_sq: row.objective_grad_norm_sq,
        grad_variance: row.grad_variance,
        second_moment: row.second_moment,
    }
}
