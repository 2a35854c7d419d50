//! Observations, reconstructed from the rows of probes.csv.

use super::{Arm, Experiment};
use crate::error::Error;
use crate::record::ProbeRow;
use crate::scheduler::Observation;

/// Reconstructs the observations of one replica's scheduler, in order, from the rows of its probes. A
/// [`crate::scheduler::Scheduler`] with the replica's control decides from them as it did in the run. With another control,
/// it decides as that control would have on the same record.
///
/// # Errors
/// - The errors of [`crate::network::Network::mlp`], for an arm that is not from a checked experiment.
/// - [`Error::Invalid`] where the rows of a probe are not those of the network's layers in order, followed by the network's.
/// - [`Error::Invalid`] where a row is of task 0.
pub fn recorded_observations(
    experiment: &Experiment,
    arm: &Arm,
    seed: u32,
    rows: &[ProbeRow],
) -> Result<Vec<Observation>, Error> {
    let network = experiment.network(arm)?;
    let blocks = 0..network.blocks().len();
    let parameters: Vec<_> = blocks
        .map(|block| network.block_parameters(block))
        .collect();
    let own = rows
        .iter()
        .filter(|row| row.arm == arm.name && row.seed == seed);
    let mut observations: Vec<Observation> = Vec::new();
    let mut layers = Vec::new();
    for row in own {
        check_layer(row, layers.len(), parameters.len())?;
        if let Some(parameters) = parameters.get(layers.len()) {
            layers.push(row.statistics(*parameters));
            continue;
        }
        let Some(task) = row.task.checked_sub(1) else {
            let wanted = format!("1 or more at update {}", row.update);
            return Err(Error::invalid("task of a recorded probe", wanted, 0));
        };
        observations.push(Observation {
            task,
            update: row.update,
            progress: experiment.task_lengths().share_of(row.update.into()),
            batch: experiment.batch,
            epsilon: arm.optimiser.divisor_offset(),
            layers: std::mem::take(&mut layers),
            network: row.statistics(network.parameter_count()),
        });
    }
    if !layers.is_empty() {
        let wanted = format!("{} layers and then the network", parameters.len());
        let found = format!("{} layers alone", layers.len());
        return Err(Error::invalid(
            "rows of the last recorded probe",
            wanted,
            found,
        ));
    }
    Ok(observations)
}

/// Fails unless `row` belongs to the layer that follows the first `before` of `all`, or to the network after the last layer.
fn check_layer(row: &ProbeRow, before: usize, all: usize) -> Result<(), Error> {
    let is_next = if before < all {
        row.layer.parse() == Ok(before + 1)
    } else {
        row.is_network()
    };
    if is_next {
        return Ok(());
    }
    let next = if before < all {
        format!("{}", before + 1)
    } else {
        format!("network, after {all} layers")
    };
    let wanted = format!("{next} at update {}", row.update);
    Err(Error::invalid(
        "layer of a recorded probe",
        wanted,
        &row.layer,
    ))
}
