//! The data read back so far.

use std::collections::VecDeque;

use trainable::probe::ProbeStats;
use trainable::scheduler::{Bounds, Signal};
use trainable::{Halt, ReplicaProgress, TaskScore};

/// The largest number of probes kept for a replica.
const MOST_PROBES: usize = 2_000;

/// The record of all replicas, in their order.
#[derive(Clone, Debug, Default)]
pub struct History {
    replicas: Vec<ReplicaHistory>,
}

/// The record of one replica.
#[derive(Clone, Debug, Default)]
pub struct ReplicaHistory {
    /// The finished tasks, from the first.
    pub scores: Vec<TaskScore>,
    /// The points of every layer, the oldest first: `[layer][probe]`.
    pub layers: Vec<VecDeque<LayerPoint>>,
    /// The cross-entropy of the latest probed minibatch.
    pub loss: Option<f64>,
    /// The place where the replica diverged, if it did.
    pub halted: Option<Halt>,
}

/// The point of one layer at one probe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerPoint {
    /// The time in tasks: the tasks done, plus the share of the current one.
    pub tasks: f64,
    /// The step size eta at the probe.
    pub step_size: f64,
    /// The effective step and the bounds, if the probe gave them.
    pub bounds: Option<Bounds>,
}

impl LayerPoint {
    /// Returns whether the effective step is above the layer's combined bound.
    pub fn is_violation(&self) -> bool {
        self.bounds
            .is_some_and(|bounds| bounds.exceeded(Signal::Combined))
    }
}

impl History {
    pub(crate) fn new(replicas: usize, layers: usize) -> Self {
        let replica = ReplicaHistory {
            layers: vec![VecDeque::new(); layers],
            ..ReplicaHistory::default()
        };
        Self {
            replicas: vec![replica; replicas],
        }
    }

    /// Returns the record of every replica.
    pub fn replicas(&self) -> &[ReplicaHistory] {
        &self.replicas
    }

    /// Returns the largest number of finished tasks of any replica. A diverged replica finishes no more.
    pub fn finished_tasks(&self) -> usize {
        let finished = self.replicas.iter().map(|replica| replica.scores.len());
        finished.max().unwrap_or(0)
    }

    /// Adds finished tasks and divergence.
    pub(crate) fn add_progress(&mut self, progress: &[ReplicaProgress]) {
        for (own, read) in self.replicas.iter_mut().zip(progress) {
            own.halted = read.halted;
            let next = own.scores.last().map_or(0, |score| score.task + 1);
            let new = read.finished.iter().filter(|score| score.task >= next);
            own.scores.extend(new);
        }
    }

    /// Adds a probe.
    pub(crate) fn add_probe(
        &mut self,
        replica: usize,
        tasks: f64,
        stats: &ProbeStats,
        bounds: &[Option<Bounds>],
    ) {
        let own = &mut self.replicas[replica];
        own.loss = Some(stats.loss);
        for ((points, layer), bounds) in own.layers.iter_mut().zip(&stats.layers).zip(bounds) {
            if points.len() == MOST_PROBES {
                points.pop_front();
            }
            points.push_back(LayerPoint {
                tasks,
                step_size: layer.step_size,
                bounds: *bounds,
            });
        }
    }
}
