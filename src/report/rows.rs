//! The arms, layers and tasks that rows of probes belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::ReportError;
use crate::record::{NETWORK, ProbeRow};

/// Returns the last probe of each seed of `arm`.
pub(super) fn last_updates(rows: &[ProbeRow], arm: &str) -> BTreeMap<u32, u32> {
    let mut last = BTreeMap::new();
    for row in rows.iter().filter(|row| row.arm == arm) {
        let update = last.entry(row.seed).or_insert(row.update);
        *update = row.update.max(*update);
    }
    last
}

/// Returns the layers, in order of first appearance, and then the network.
pub(super) fn layers(rows: &[ProbeRow]) -> Vec<&str> {
    let mut layers = distinct(rows.iter().map(|row| &row.layer[..]));
    layers.sort_by_key(|layer| *layer == NETWORK);
    layers
}

/// Returns each name once, in order of first appearance.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(*name)).collect()
}

/// Returns the first probe of each task but the first.
pub(super) fn task_switches<'a>(rows: impl IntoIterator<Item = &'a ProbeRow>) -> Vec<u32> {
    let mut first: BTreeMap<u32, u32> = BTreeMap::new();
    for row in rows {
        let update = first.entry(row.task).or_insert(row.update);
        *update = row.update.min(*update);
    }
    first.into_values().skip(1).collect()
}

/// Fails if a layer has two rows of one probe, because a mean would count one of them twice.
pub(super) fn check_distinct(base: &Path, rows: &[ProbeRow]) -> Result<(), ReportError> {
    let mut seen = BTreeSet::new();
    let again = rows
        .iter()
        .find(|row| !seen.insert((&row.arm, row.seed, row.update, &row.layer)));
    again.map_or(Ok(()), |row| {
        Err(ReportError::Chart {
            path: base.to_owned(),
            reason: format!(
                "two rows of arm {:?}, seed {}, update {}, layer {:?}",
                row.arm, row.seed, row.update, row.layer
            ),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixtures::probe_row as row;

    #[test]
    fn the_network_comes_last_and_a_task_begins_at_its_first_probe() {
        let task = |task, update, layer| ProbeRow {
            task,
            ..row("relu", 1, update, layer)
        };
        let rows = [
            task(1, 0, "1"),
            task(1, 0, NETWORK),
            task(3, 700, "1"),
            task(2, 400, "2"),
            task(2, 300, "2"),
        ];
        assert_eq!(layers(&rows), ["1", "2", NETWORK]);
        assert_eq!(task_switches(&rows), [300, 700]);
    }
}
