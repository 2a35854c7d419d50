//! The events of a run, and its results.

use std::collections::BTreeMap;

use crate::experiment::Experiment;
use crate::progress::Halt;
use crate::record::{IndicatorRow, ProbeRow, TaskRow};

/// An event of a run.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The replicas that train together went on by this many steps, summed over the replicas. All such events and
    /// [`Event::Resumed`] add up to [`Experiment::total_steps`].
    Steps(u64),
    /// The run goes on from a checkpoint: this many steps were done before.
    Resumed(u64),
    /// There are more replicas of one network shape than
    /// [`Compute::replicas_that_fit`](crate::Compute::replicas_that_fit), or than the device has memory for: they train in
    /// turn. It is told again where the memory ran out.
    Split {
        /// The number of replicas of the shape that are left.
        replicas: usize,
        /// The number of replicas that train together.
        fit: usize,
    },
    /// A replica finished a task.
    Task(&'a TaskRow),
    /// A probe of a replica that trains on was not finite, so its step sizes stayed.
    Unmeasured {
        /// The arm's name.
        arm: &'a str,
        /// The replica's seed.
        seed: u32,
        /// Parameter updates done before the probe.
        update: u32,
    },
    /// A replica diverged and was stopped.
    Diverged {
        /// The arm's name.
        arm: &'a str,
        /// The replica's seed.
        seed: u32,
        /// The update at which it diverged, and the quantity that was not finite.
        halt: Halt,
    },
}

/// The rows of an experiment's tables, ordered by arm, seed and time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// The rows of tasks.csv.
    pub tasks: Vec<TaskRow>,
    /// The rows of probes.csv.
    pub probes: Vec<ProbeRow>,
    /// The rows of indicators.csv.
    pub indicators: Vec<IndicatorRow>,
}

impl Results {
    /// Sorts rows by arm, in the experiment's order, and by seed. The rows of one replica keep their order.
    pub(crate) fn sort(&mut self, experiment: &Experiment) {
        let names = experiment.arms.iter().map(|arm| &arm.name[..]);
        let places: BTreeMap<&str, usize> = names.zip(0..).collect();
        let key = |arm: &str, seed: u32| (places.get(arm), seed);
        self.tasks.sort_by_key(|row| key(&row.arm, row.seed));
        self.probes.sort_by_key(|row| key(&row.arm, row.seed));
        self.indicators.sort_by_key(|row| key(&row.arm, row.seed));
    }
}

impl Experiment {
    /// Training steps of all replicas together, 2^64 - 1 at most.
    pub fn total_steps(&self) -> u64 {
        let replicas = self.arms.len() as u64 * self.seeds.len() as u64;
        replicas.saturating_mul(self.replica_steps())
    }
}
