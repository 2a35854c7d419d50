//! The rows of tasks and the rows of probes of the same arms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::curves::{BandPoint, SeedCurve, band_point};
use super::rows::{check_distinct, distinct, layers};
use super::{ReportError, Subject};
use crate::record::{NETWORK, ProbeRow, TaskRow};

/// The rows from which a picture is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    /// The stream of tasks.
    pub(super) subject: &'a Subject,
    /// The rows of tasks.
    pub(super) tasks: &'a [TaskRow],
    /// The rows of probes, which pictures of accuracies by task do not need.
    pub(super) probes: &'a [ProbeRow],
}

impl<'a> Rows<'a> {
    /// The arms, in order of first appearance.
    pub(super) fn arms(self) -> Vec<&'a str> {
        let tasks = self.tasks.iter().map(|row| &row.arm[..]);
        distinct(tasks.chain(self.probes.iter().map(|row| &row.arm[..])))
    }

    /// The layers, without the network.
    pub(super) fn layers(self) -> Vec<&'a str> {
        let layers = layers(self.probes).into_iter();
        layers.filter(|layer| *layer != NETWORK).collect()
    }

    /// Fails if a seed has two rows of one task, or a layer has two rows of one probe, because a mean would count one of
    /// them twice.
    pub(super) fn check_distinct(self, base: &Path) -> Result<(), ReportError> {
        let mut seen = BTreeSet::new();
        let mut rows = self.tasks.iter();
        let again = rows.find(|row| !seen.insert((&row.arm, row.seed, row.task)));
        match again {
            None => check_distinct(base, self.probes),
            Some(row) => Err(ReportError::Chart {
                path: base.to_owned(),
                reason: format!(
                    "two rows of arm {:?}, seed {}, task {}",
                    row.arm, row.seed, row.task
                ),
            }),
        }
    }

    /// Returns the mean over the seeds of `arm` against the task, with a band from the lowest to the highest.
    pub(super) fn accuracy_by_task(self, arm: &str) -> SeedCurve {
        let mut tasks: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for row in self.tasks.iter().filter(|row| row.arm == arm) {
            tasks.entry(row.task).or_default().push(row.online_accuracy);
        }
        SeedCurve::new(&tasks, &self.last_tasks(arm), band_point)
    }

    /// Returns the curve of [`Self::accuracy_by_task`] with each point in the middle of its task's probes. Tasks without a
    /// probe are left out.
    pub(super) fn accuracy_by_update(self, arm: &str) -> SeedCurve {
        let middles = self.task_middles(arm);
        let mut curve = self.accuracy_by_task(arm);
        // A point's position is its task's number.
        let placed = |point: BandPoint| {
            let x = *middles.get(&(point.x as u32))?;
            Some(BandPoint { x, ..point })
        };
        let runs = curve.runs.iter().flat_map(|run| {
            let placed: Vec<_> = run.iter().copied().map(placed).collect();
            let runs = placed.split(Option::is_none);
            runs.map(|run| run.iter().copied().flatten().collect())
                .collect::<Vec<Vec<_>>>()
        });
        curve.runs = runs.filter(|run| !run.is_empty()).collect();
        curve
    }

    /// Returns the middle between the first and the last probe of each task.
    fn task_middles(self, arm: &str) -> BTreeMap<u32, f64> {
        let mut ends: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for row in self.probes.iter().filter(|row| row.arm == arm) {
            let (first, last) = ends.entry(row.task).or_insert((row.update, row.update));
            (*first, *last) = (row.update.min(*first), row.update.max(*last));
        }
        ends.into_iter()
            .map(|(task, (first, last))| (task, f64::midpoint(first.into(), last.into())))
            .collect()
    }

    /// Returns the last task of each seed of `arm`.
    pub(super) fn last_tasks(self, arm: &str) -> BTreeMap<u32, u32> {
        let mut last = BTreeMap::new();
        for row in self.tasks.iter().filter(|row| row.arm == arm) {
            let task = last.entry(row.seed).or_insert(row.task);
            *task = row.task.max(*task);
        }
        last
    }

    /// Returns the updates at which more than half of the seeds violate the combined bound.
    pub(super) fn violations(self, arm: &str, layer: &str) -> Vec<u32> {
        let mut probes: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
        let rows = self.probes.iter();
        for row in rows.filter(|row| row.arm == arm && row.layer == layer) {
            let (violating, seeds) = probes.entry(row.update).or_default();
            *violating += usize::from(row.violation == Some(true));
            *seeds += 1;
        }
        let most = probes.into_iter();
        let most = most.filter(|(_, (violating, seeds))| 2 * violating > *seeds);
        most.map(|(update, _)| update).collect()
    }

    /// Returns how many tasks of `arm` have no probe.
    pub(super) fn unplaced_tasks(self, arm: &str) -> usize {
        let middles = self.task_middles(arm);
        let tasks = self.tasks.iter().filter(|row| row.arm == arm);
        let tasks: BTreeSet<_> = tasks.map(|row| row.task).collect();
        let unplaced = tasks.iter().filter(|task| !middles.contains_key(task));
        unplaced.count()
    }
}
